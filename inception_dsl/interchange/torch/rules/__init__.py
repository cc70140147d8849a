"""What each op of torch is in the language, or in the ops that layers are composed of, by family."""
