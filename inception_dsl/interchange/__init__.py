"""Networks of other tools, read as graphs of the language's ops: flat, with shapes, their names and their weights.

`target` says what a name on a command line is. `network` reads it by `onnx` or `torch`, whose rules give one op after
the other to a `Builder`; `recognise` makes layers of them on the way. `of_spec` builds the graph of a spec alike.
`canonical` says whether two graphs compute the same.

| file | what it has |
|---|---|
| `target` | what a name is: a file, or a callable that makes a network |
| `network` | a network that was not written here: its graph, and what runs it |
| `onnx` | the reader of ONNX files |
| `torch` | the reader of modules of torch, and of keras on torch |
| `of_spec` | the graph of a spec |
| `graph` | the graph that all of them give |
| `builder` | a graph under construction |
| `primitives` | ops below the language's, of which other tools compose layers |
| `constant` | tensors of a source, and the formulas that made them |
| `rules` | what the rules of all readers share |
| `recognise` | the layers that primitives compose |
| `windows` | layers with a window, from paddings in pixels |
| `along_channels` | convolutions along the channels, in one dimension or in three |
| `unpooling` | pixels put where a pool found its maxima |
| `description` | what a node computes: its kind and the parameters that matter |
| `canonical` | the form that graphs have in common which compute the same |
| `dominators` | what all ways to a value pass |
| `folds` | batch norms that a tool has folded into layers |
| `weights` | the weights with which a spec's network and its source run |
"""
