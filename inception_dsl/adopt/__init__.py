"""Somebody's network as a spec that a person could have written.

In the order of the work: the layers of a graph are units, which are decomposed into chains and joins. Pieces of these
become rows and blocks; blocks that are alike become modules, with a column for what differs between their calls.

| file | what it does |
|---|---|
| `adopt` | the whole of it: writes the spec, compiles it, and compares it with its source |
| `units` | layers as the language has them, with their norms and activations |
| `decompose` | series-parallel decomposition |
| `formulas` | formulas under construction between two values |
| `tree` | the structure that comes of it: chains, joins, and values given before |
| `rows` | which pieces are rows of the table, and which are blocks |
| `words` | layers as uses, and the defaults that say what nearly all of them say |
| `terms` | structures as terms of the layer algebra |
| `slots` | the numbers and words of a term that may differ between calls |
| `columns` | one template for several terms, with columns for what differs |
| `modules` | structures that occur several times, or are too large for a row |
| `parts` | chains within several structures, as modules of their own |
| `scopes` | where a layer stands in its source |
| `names` | names of a source as names of a spec |
| `spec` | all of it together: rows, modules, heads |
| `layout` | graphs of modules on several lines |
| `write` | the text of the spec |
| `values` | its values, against those of its source |
"""
