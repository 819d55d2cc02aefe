"""ratings: user and movie embeddings -> rating, with an int64 key carried through the graph."""
import keras
import numpy as np
import tensorflow as tf

from common import predict, rows_of, save, write_lines

USERS, MOVIES, DIM = 1000, 2000, 10
keras.utils.set_random_seed(3)
rng = np.random.default_rng(3)
# synthetic ratings of rank 3, clipped to 0.5..5
u, m = rng.uniform(0, 1, (USERS, 3)), rng.uniform(0, 1, (MOVIES, 3))
user = rng.integers(0, USERS, (100_000, 1), dtype="int32")
movie = rng.integers(0, MOVIES, (100_000, 1), dtype="int32")
rating = np.clip(4 * (u[user[:, 0]] * m[movie[:, 0]]).sum(1), 0.5, 5).astype("float32")[:, None]


def embedding(n):
    return keras.layers.Embedding(n, DIM, keras.initializers.RandomUniform(0, 1, seed=n))


user_in = keras.Input((1,), name="userId", dtype="int32")
movie_in = keras.Input((1,), name="movieId", dtype="int32")
h = keras.layers.Multiply()([embedding(USERS)(user_in), embedding(MOVIES)(movie_in)])
h = keras.layers.Dense(10, activation="relu")(keras.layers.Flatten()(h))
model = keras.Model([user_in, movie_in], keras.layers.Dense(1)(h))
model.compile(keras.optimizers.Adam(0.01), "mse")
model.fit([user[5000:], movie[5000:]], rating[5000:], batch_size=1000, epochs=12, verbose=0)


def serving_default(userId, movieId, key):
    return {"predictions": model([userId, movieId]), "key": tf.identity(key)}


def concat(userId, movieId, key):  # one float32 tensor: keys above 2^24 lose digits
    return {"predictions": tf.concat([model([userId, movieId]), tf.cast(key[:, None], tf.float32)], 1)}


specs = [
    tf.TensorSpec([None, 1], tf.int32, name="userId"),
    tf.TensorSpec([None, 1], tf.int32, name="movieId"),
    tf.TensorSpec([None], tf.int64, name="key"),
]
save(model, "ratings", serving_default=(serving_default, specs), concat=(concat, specs))


def ratings_of(answers):
    return [row["predictions"] for row in answers]


# Small keys, then keys above 2^24, 2^31 and 2^52
key = np.concatenate([
    np.arange(200), 2**24 + 1 + 2 * np.arange(100), 2**31 + 3 * np.arange(100), 2**52 + 1 + 45_035_996_273_705 * np.arange(99),
    [2**53 - 1],
]).astype("int64")
columns = {"userId": user[:500], "movieId": movie[:500], "key": key}
write_lines("ratings/instances.jsonl", rows_of(columns))
through = predict("ratings", columns)
write_lines("ratings/expected/through.jsonl", rows_of({"key": key, "prediction": through}))
write_lines("ratings/expected/around.jsonl", rows_of({"key": key, "prediction": ratings_of(through)}))

# Keys as people have them; the last two cannot be the graph's key
key = [7, 2**24 + 1, 2**31 - 1, 2**53 + 1, 2**63 - 1, "b3c1f0de-5b64-4a1d-9c2e-7a5f2d8e6c11", "Ms Ada, row 6"]
refused = [{"key": k, "error": {"code": 3, "status": "INVALID_ARGUMENT"}} for k in key[5:]]
write_lines("ratings/keys.jsonl", rows_of({"key": key, "userId": user[:7], "movieId": movie[:7]}))
write_lines("ratings/expected/any-key.jsonl", rows_of({"key": key, "prediction": ratings_of(through[:7])}))
columns = {"userId": user[:5], "movieId": movie[:5], "key": np.array(key[:5], "int64")}
through = predict("ratings", columns)
write_lines("ratings/expected/any-key-through.jsonl", rows_of({"key": key[:5], "prediction": through}) + refused)
concatenated = ratings_of(predict("ratings", columns, "concat"))
write_lines("ratings/expected/concatenated.jsonl", rows_of({"key": key[:5], "prediction": concatenated}) + refused)
