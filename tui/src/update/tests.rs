mod actions;
mod comfort;
mod hostile;
mod mine;
mod moving;
mod random;
mod screens;
mod travel;
