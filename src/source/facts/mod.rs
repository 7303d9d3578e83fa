//! What a file says of itself, read from its metadata without decoding the picture.
