mod actions;
mod hostile;
mod mine;
mod moving;
mod random;
mod screens;
mod travel;
