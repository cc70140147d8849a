"""What each op of ONNX is in the language, or in the ops that layers are composed of, by family."""
