#!/usr/bin/env bash
# Builds @tensorflow/tfjs-node in a checkout, on the libtensorflow of the tensorflow-cpu wheel: its own download is not reachable everywhere.
# usage: scripts/tfjs-node.sh [CHECKOUT]        prints the LD_LIBRARY_PATH to run with; the checkout's `npm ci` has run
# Exits with 3 where the wheel cannot be had from PyPI.
set -euo pipefail

checkout=$(cd "${1:-.}" && pwd)
tfjs_node=4.22.0
tensorflow=2.21.0
package=$checkout/node_modules/@tensorflow/tfjs-node
work=$checkout/node_modules/.cache/tfjs-node
library=$work/tensorflow
export PATH=$checkout/node_modules/.bin:$PATH

if [[ ! -e $package/package.json ]]; then
  (cd "$checkout" && npm install --no-save --ignore-scripts "@tensorflow/tfjs-node@$tfjs_node" >&2)
fi
found=$(node -p "require('$package/package.json').version")
if [[ $found != "$tfjs_node" ]]; then
  echo "tfjs-node is $found; expected $tfjs_node" >&2
  exit 1
fi

if [[ ! -e $library/libtensorflow_cc.so.2 ]]; then
  mkdir -p "$work"
  python3 -m pip download --quiet --no-deps --dest "$work" "tensorflow-cpu==$tensorflow" >&2 || exit 3
  python3 - "$work" <<'UNZIP'
import glob, sys, zipfile
work = sys.argv[1]
[wheel] = glob.glob(f'{work}/tensorflow_cpu-*.whl')
wanted = ('tensorflow/libtensorflow', 'tensorflow/include/tensorflow/', 'tensorflow/include/xla/', 'tensorflow/include/tsl/')
with zipfile.ZipFile(wheel) as archive:
    archive.extractall(work, [name for name in archive.namelist() if name.startswith(wanted)])
UNZIP
  rm "$work"/tensorflow_cpu-*.whl
fi

mkdir -p "$package/deps/lib" "$package/deps/include"
cp -r "$library"/include/* "$package/deps/include/"
for name in libtensorflow.so libtensorflow.so.2; do ln -sf "$library/libtensorflow_cc.so.2" "$package/deps/lib/$name"; done
for name in libtensorflow_framework.so libtensorflow_framework.so.2; do
  ln -sf "$library/libtensorflow_framework.so.2" "$package/deps/lib/$name"
done
# Node's headers lie beside the node that the system has, whichever runs the build.
headers=${NODE_HEADERS:-/usr}
(cd "$package" && npx --yes node-gyp rebuild --module_name=tfjs_binding --module_path="$package/lib/napi-v8" \
  --napi_build_version=8 --nodedir="$headers" >&2)
LD_LIBRARY_PATH=$library node -e "require('$package/lib/napi-v8/tfjs_binding.node')"
echo "$library"
