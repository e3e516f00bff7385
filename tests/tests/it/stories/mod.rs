mod late_delta;
mod prepare;
mod states;
mod twice;
mod support;
mod cutover_target;
mod stage;
mod whole_move;
