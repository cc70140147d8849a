"""The ONNX node for each op, by family. A rule refuses (E401) what ONNX or onnxruntime cannot express exactly."""
