mod actions;
mod moving;
mod random;
mod screens;
