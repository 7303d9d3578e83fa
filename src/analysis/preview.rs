//! From the bytes of a picture file to an upright, colour-correct, bounded picture.
