//! What services and screens use: submit, follow, steer and read tasks.
