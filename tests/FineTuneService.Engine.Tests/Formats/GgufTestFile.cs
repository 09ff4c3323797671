using FineTuneService.Engine.Formats.Gguf;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Formats;

/// <summary>Small GGUF files for tests.</summary>
internal static class GgufTestFile
{
    public static readonly KeyValuePair<string, GgufValue>[] Metadata =
    [
        new("general.architecture", GgufValue.Of("llama")),
        new("u8", new(GgufValueType.UInt8, 250L)),
        new("i8", new(GgufValueType.Int8, -3L)),
        new("u16", new(GgufValueType.UInt16, 65535L)),
        new("i16", new(GgufValueType.Int16, -300L)),
        new("u32", new(GgufValueType.UInt32, 4294967295L)),
        new("i32", new(GgufValueType.Int32, -70000L)),
        new("f32", new(GgufValueType.Float32, 0.5)),
        new("bool", GgufValue.Of(true)),
        new("u64", new(GgufValueType.UInt64, ulong.MaxValue)),
        new("i64", new(GgufValueType.Int64, long.MinValue)),
        new("f64", new(GgufValueType.Float64, 1e300)),
        new("texts", GgufValue.Of(GgufArray.Of(["", "ü", "a b"]))),
        new("numbers", GgufValue.Of(GgufArray.Of([1, -2, 3]))),
        new("none", GgufValue.Of(GgufArray.Of(Array.Empty<string>()))),
    ];

    public static GgmlType Type(string name) => GgmlTypes.All.First(type => type.Name == name);

    public static void Write(string path, params (string Name, string Type, long[] Shape, float[] Values)[] tensors) =>
        GgufWriter.Write(path, Metadata, [.. tensors.Select(t => new GgufOutput(t.Name, Type(t.Type), t.Shape, () => tensor(t.Values).view(t.Shape)))]);
}
