"""times-five and times-ten: linear Keras regressors, y = 5x and y = 10x for x in 0..99."""
import keras
import numpy as np
import tensorflow as tf

from common import EXAMPLES, example, predict, rows_of, save, write_lines, write_records

x = np.arange(100, dtype="float32")[:, None]


def train(name, times):
    keras.utils.set_random_seed(times)
    model = keras.Sequential([
        keras.Input((1,), name="x"),
        keras.layers.Rescaling(0.01),
        keras.layers.Dense(1),
    ])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    model.fit(x, times * x, batch_size=100, epochs=400, verbose=0)

    def serving_default(x):
        return {"y": model(x)}

    def examples(examples):
        return {"y": model(tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"])}

    save(
        model,
        name,
        serving_default=(serving_default, [tf.TensorSpec([None, 1], tf.float32, name="x")]),
        examples=(examples, [tf.TensorSpec([None], tf.string, name="examples")]),
    )


def answers(name, x):
    return np.array([row["y"] for row in predict(name, {"x": x})])


train("times-five", 5)
train("times-ten", 10)

keys = [f"k{i:03d}" for i in range(100)]
write_lines("times-five/instances.jsonl", rows_of({"key": keys, "x": x.astype(int)}))
(EXAMPLES / "times-five/instances.csv").write_text("key,x\n" + "".join(f"{k},{v:g}\n" for k, v in zip(keys, x[:, 0])))
write_records("times-five/examples.tfrecord.gz", [example(x=float(v)) for v in x[:, 0]])

five, ten = answers("times-five", x), answers("times-ten", x)
for name in ("keyed", "from-json", "as-examples"):
    write_lines(f"times-five/expected/{name}.jsonl", rows_of({"key": keys, "prediction": five}))
write_lines("times-five/expected/records.jsonl", rows_of({"key": range(100), "prediction": five}))
both = rows_of({"five": five, "ten": ten})
write_lines("times-five/expected/five-and-ten.jsonl", rows_of({"key": keys, "prediction": both}))
write_lines("times-five/expected/fifty.jsonl", rows_of({"key": keys, "prediction": answers("times-ten", five)}))
