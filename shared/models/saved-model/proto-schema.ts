import type { Root, Type } from 'protobufjs';

/**
 * The part of TensorFlow's protos that we read, by their field numbers. A map is declared as what it is on the wire, a repeated
 * entry of key and value, so that no key ever becomes a property's name. Enums are int32: an unknown value stays what it is.
 * Sources: https://github.com/tensorflow/tensorflow/tree/master/tensorflow/core/protobuf (saved_model, meta_graph, saver, tensor_bundle)
 * and https://github.com/tensorflow/tensorflow/tree/master/tensorflow/core/framework (graph, node_def, attr_value, function, op_def, tensor,
 * tensor_shape, tensor_slice).
 */
const SCHEMA = `
syntax = "proto3";
package tensorflow;

message SavedModel { int64 saved_model_schema_version = 1; repeated MetaGraphDef meta_graphs = 2; }
message MetaGraphDef {
  message MetaInfoDef { repeated string tags = 4; string tensorflow_version = 5; }
  message CollectionEntry { string key = 1; CollectionDef value = 2; }
  message SignatureEntry { string key = 1; SignatureDef value = 2; }
  MetaInfoDef meta_info_def = 1;
  GraphDef graph_def = 2;
  SaverDef saver_def = 3;
  repeated CollectionEntry collection_def = 4;
  repeated SignatureEntry signature_def = 5;
  repeated AssetFileDef asset_file_def = 6;
}
message AssetFileDef { TensorInfo tensor_info = 1; string filename = 2; }
message SaverDef { string filename_tensor_name = 1; string save_tensor_name = 2; string restore_op_name = 3; }
message CollectionDef {
  message NodeList { repeated string value = 1; }
  message BytesList { repeated bytes value = 1; }
  message AnyList { repeated Any value = 1; }
  message Any { string type_url = 1; bytes value = 2; }
  NodeList node_list = 1;
  BytesList bytes_list = 2;
  AnyList any_list = 5;
}
message SignatureDef {
  message TensorEntry { string key = 1; TensorInfo value = 2; }
  repeated TensorEntry inputs = 1;
  repeated TensorEntry outputs = 2;
  string method_name = 3;
}
message TensorInfo {
  message CooSparse { string values_tensor_name = 1; string indices_tensor_name = 2; string dense_shape_tensor_name = 3; }
  string name = 1;
  int32 dtype = 2;
  TensorShapeProto tensor_shape = 3;
  CooSparse coo_sparse = 4;
}
message TensorShapeProto {
  message Dim { int64 size = 1; }
  repeated Dim dim = 2;
  bool unknown_rank = 3;
}
message GraphDef { repeated NodeDef node = 1; FunctionDefLibrary library = 2; }
message AttrEntry { string key = 1; AttrValue value = 2; }
message NodeDef { string name = 1; string op = 2; repeated string input = 3; repeated AttrEntry attr = 5; }
message AttrValue {
  message ListValue {
    repeated bytes s = 2;
    repeated int64 i = 3;
    repeated float f = 4;
    repeated bool b = 5;
    repeated int32 type = 6;
    repeated TensorShapeProto shape = 7;
    repeated TensorProto tensor = 8;
    repeated NameAttrList func = 9;
  }
  oneof value {
    ListValue list = 1;
    bytes s = 2;
    int64 i = 3;
    float f = 4;
    bool b = 5;
    int32 type = 6;
    TensorShapeProto shape = 7;
    TensorProto tensor = 8;
    string placeholder = 9;
    NameAttrList func = 10;
  }
}
message NameAttrList { string name = 1; repeated AttrEntry attr = 2; }
message TensorProto {
  int32 dtype = 1;
  TensorShapeProto tensor_shape = 2;
  bytes tensor_content = 4;
  repeated float float_val = 5;
  repeated double double_val = 6;
  repeated int32 int_val = 7;
  repeated bytes string_val = 8;
  repeated int64 int64_val = 10;
  repeated bool bool_val = 11;
  repeated int32 half_val = 13;
  repeated uint32 uint32_val = 16;
  repeated uint64 uint64_val = 17;
}
message FunctionDefLibrary { repeated FunctionDef function = 1; }
message FunctionDef {
  message NameEntry { string key = 1; string value = 2; }
  OpDef signature = 1;
  repeated NodeDef node_def = 3;
  repeated NameEntry ret = 4;
  repeated AttrEntry attr = 5;
  repeated NameEntry control_ret = 6;
}
message OpDef {
  message ArgDef { string name = 1; int32 type = 3; string type_attr = 4; string number_attr = 5; string type_list_attr = 6; }
  string name = 1;
  repeated ArgDef input_arg = 2;
  repeated ArgDef output_arg = 3;
}

message BundleHeaderProto { int32 num_shards = 1; int32 endianness = 2; }
message TensorSliceProto {
  message Extent { int64 start = 1; oneof has_length { int64 length = 2; } }
  repeated Extent extent = 1;
}
message BundleEntryProto {
  int32 dtype = 1;
  TensorShapeProto shape = 2;
  int32 shard_id = 3;
  int64 offset = 4;
  int64 size = 5;
  fixed32 crc32c = 6;
  repeated TensorSliceProto slices = 7;
}
`;

let root: Promise<Root> | undefined;

/** A message's type, by its name in the schema. protobufjs is loaded at the first call. */
export async function protoType(name: string): Promise<Type> {
  root ??= import('protobufjs').then(({ default: protobuf }) => {
    const parsed = protobuf.parse(SCHEMA).root;
    parsed.resolveAll();
    return parsed;
  });
  return (await root).lookupType(`tensorflow.${name}`);
}
