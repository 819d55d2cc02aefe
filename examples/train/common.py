"""What the training scripts share: saving a model version, and writing instances, records and TensorFlow's own answers."""
import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

EXAMPLES = Path(__file__).resolve().parent.parent


def save(model, name, **endpoints):
    """Writes examples/models/<name>/1. An endpoint is (function, its input specs)."""
    archive = keras.export.ExportArchive()
    archive.track(model)
    for endpoint, (function, specs) in endpoints.items():
        archive.add_endpoint(endpoint, function, specs)
    archive.write_out(str(EXAMPLES / "models" / name / "1"), verbose=False)


def predict(name, columns, signature="serving_default"):
    """Loads the saved version again and runs one signature; one dict of outputs per row."""
    loaded = tf.saved_model.load(str(EXAMPLES / "models" / name / "1")).signatures[signature]
    outputs = loaded(**{k: tf.constant(v) for k, v in columns.items()})
    return rows_of({k: v.numpy() for k, v in sorted(outputs.items())})


def rows_of(columns):
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


def plain(value):
    """A numpy value as JSON: float32 in its shortest form, bytes as text."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, np.ndarray)):
        return [plain(v) for v in value]
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, np.float32):
        return float(str(value))
    return value.item() if isinstance(value, np.generic) else value


def write_lines(path, rows):
    """JSON lines in a file of examples/."""
    path = EXAMPLES / path
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        for row in rows:
            file.write(json.dumps(plain(row), ensure_ascii=False, separators=(",", ":")) + "\n")


def example(**features):
    """A serialized tf.Example of floats and bytes."""

    def feature(value):
        if isinstance(value, bytes):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))

    features = tf.train.Features(feature={k: feature(v) for k, v in features.items()})
    return tf.train.Example(features=features).SerializeToString(deterministic=True)


def write_records(path, records):
    with tf.io.TFRecordWriter(str(EXAMPLES / path), "GZIP") as writer:
        for record in records:
            writer.write(record)
