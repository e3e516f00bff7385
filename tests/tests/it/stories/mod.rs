mod whole_move;
