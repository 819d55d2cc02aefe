"""images: JPEG bytes -> decode, resize, small CNN -> 4 class scores, with a metadata string carried through.

The weights are seeded, not trained; the pictures are those of examples/images/files.
"""
import keras
import tensorflow as tf

from common import EXAMPLES, example, predict, rows_of, save, write_lines, write_records

keras.utils.set_random_seed(6)
wide = keras.initializers.HeNormal
model = keras.Sequential([
    keras.Input((64, 64, 3)),
    keras.layers.Conv2D(8, 3, strides=2, activation="relu", kernel_initializer=wide(1)),
    keras.layers.Conv2D(16, 3, strides=2, activation="relu", kernel_initializer=wide(2)),
    keras.layers.MaxPooling2D(3),
    keras.layers.Flatten(),
    keras.layers.Dense(4, activation="softmax", kernel_initializer=keras.initializers.RandomNormal(stddev=0.3, seed=3)),
])


def decode(jpeg):
    return tf.image.resize(tf.io.decode_jpeg(jpeg, channels=3), [64, 64], "bilinear") / 255.0


def serving_default(input, metadata):
    pixels = tf.map_fn(decode, input, fn_output_signature=tf.TensorSpec([64, 64, 3], tf.float32))
    return {"classes": model(pixels), "metadata": tf.identity(metadata)}


def tf_records(examples):
    string = tf.io.FixedLenFeature([], tf.string)
    return serving_default(**tf.io.parse_example(examples, {"input": string, "metadata": string}))


def strings(name):
    return tf.TensorSpec([None], tf.string, name=name)


save(
    model,
    "images",
    serving_default=(serving_default, [strings("input"), strings("metadata")]),
    tf_records=(tf_records, [strings("examples")]),
)

files = sorted((EXAMPLES / "images/files").iterdir())
(EXAMPLES / "images/file-list.txt").write_text("".join(f"files/{file.name}\n" for file in files))
jpegs = [file.read_bytes() for file in files]
metadata = [file.name.encode() for file in files]
write_records("images/images.tfrecord.gz", [example(input=j, metadata=m) for j, m in zip(jpegs, metadata)])
answers = predict("images", {"input": jpegs, "metadata": metadata})
write_lines("images/expected/records.jsonl", rows_of({"key": metadata, "prediction": answers}))
classes = [{"classes": a["classes"], "class": a["classes"].argmax()} for a in answers]
uris = [f"files/{file.name}" for file in files]
write_lines("images/expected/files.jsonl", rows_of({"instance": uris, "prediction": classes}))
