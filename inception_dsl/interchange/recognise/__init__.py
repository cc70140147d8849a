"""Recognises the layers of the language in the ops that other tools compose them of.

A reader gives a `Builder` one op after the other, in the order of the graph. For each of them, the table in `patterns`
has functions that look at the op and at what is built before it. The first that finds a layer adds that in place of the
op, and what it adds may complete a layer again. The nodes that nothing needs any more are left out at the end.

| file | what it recognises |
|---|---|
| `patterns` | the table: what may complete a layer, by the op that ends it |
| `activations` | activations, by the values of whatever functions compose them |
| `constants` | scales, biases and shifts: sums and products with constants |
| `batch_norms` | batch norms composed of arithmetic with running statistics |
| `norms` | norms whose statistics are the image's own: group, layer and local response norm, L2 |
| `averages` | averages that leave padding out, as quotients |
| `gates` | gates that numbers shift or bound |
| `expansion` | channels and pixels that are repeated for a sum or a product |
| `channels` | some of the channels, in their order or shuffled, and channels of zeros |
| `margins` | pixels cut off or added around an image, and the layers before that can leave them out |
| `resampling` | rows and columns that are picked |
| `pixels` | reshapes and permutations of an image of any size: shuffles, and channels that become pixels and back |
| `moves` | the same with ranges and joins among them, by following the elements of an image of some size |
| `exchanges` | rows or columns as channels, where no layout explains them |
| `layout` | layers between changes of layout: channels last, vectors, and flattened images |
| `stacks` | layers on a stack of images, as a choice among branches has it |

`layout.follow` is how the last two work: from the op that ends a stretch in another layout, back to where it begins,
and the stretch built again in the language's. A window's own padding is in `interchange.windows`, which the rules of
the readers use too.
"""
