//! The vision models inside the program.
