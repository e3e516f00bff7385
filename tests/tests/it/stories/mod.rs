mod prepare;
mod states;
mod support;
mod cutover_target;
mod stage;
mod whole_move;
