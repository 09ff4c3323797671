using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats.Torch;

/// <summary>
/// All that a pickle may ask for, and what it then gets: data. torch.save needs no more for a state dict; any other name is refused, so
/// that reading a file never runs what its author chose.
/// </summary>
internal static class PickleGlobals
{
    private static readonly Dictionary<string, ScalarType> s_storages = new()
    {
        ["torch.FloatStorage"] = ScalarType.Float32,
        ["torch.HalfStorage"] = ScalarType.Float16,
        ["torch.BFloat16Storage"] = ScalarType.BFloat16,
        ["torch.DoubleStorage"] = ScalarType.Float64,
        ["torch.LongStorage"] = ScalarType.Int64,
        ["torch.IntStorage"] = ScalarType.Int32,
        ["torch.ShortStorage"] = ScalarType.Int16,
        ["torch.CharStorage"] = ScalarType.Int8,
        ["torch.ByteStorage"] = ScalarType.Byte,
        ["torch.BoolStorage"] = ScalarType.Bool,
    };

    private static readonly Dictionary<string, Func<object?[], object?>> s_calls = new()
    {
        ["collections.OrderedDict"] = arguments => arguments.Length == 0 ? new PickleDict() : null,
        ["torch._utils._rebuild_tensor_v2"] = Tensor,
        ["torch._utils._rebuild_tensor"] = Tensor,
        ["torch._utils._rebuild_parameter"] = arguments => arguments.Length > 0 ? arguments[0] as TorchTensor : null,
        ["torch.Size"] = arguments => arguments is [PickleTuple sizes] ? sizes : null,
    };

    public static bool Knows(PickleGlobal global) => s_calls.ContainsKey(global.ToString()) || s_storages.ContainsKey(global.ToString());

    /// <summary>What the call gives; null where it may not be made, or not with these arguments.</summary>
    public static object? Call(PickleGlobal global, object?[] arguments) => s_calls.TryGetValue(global.ToString(), out var call) ? call(arguments) : null;

    /// <summary>A storage, of ('storage', its type, key, device, elements).</summary>
    public static TorchStorage? Storage(object? id) =>
        id is PickleTuple { Items: ["storage", PickleGlobal type, string key, string, long count, ..] rest } && rest.Length <= 6 && (rest.Length == 5 || rest[5] is null)
        && count >= 0 && s_storages.TryGetValue(type.ToString(), out ScalarType dtype) ? new TorchStorage(key, dtype, count) : null;

    /// <summary>storage, offset, shape, strides, and what concerns autograd alone.</summary>
    private static TorchTensor? Tensor(object?[] arguments) =>
        arguments is [TorchStorage storage, long offset, PickleTuple shape, PickleTuple strides, .. { Length: <= 3 } rest]
        // The last may say that the numbers are to be negated or conjugated.
        && (rest.Length < 3 || rest[2] is null or PickleDict { Items.Count: 0 }) && Sizes(shape) is { } sizes && Sizes(strides) is { } steps && sizes.Length == steps.Length
            ? new TorchTensor(storage, offset, sizes, steps) : null;

    private static long[]? Sizes(PickleTuple tuple) => tuple.Items.Length <= 64 && tuple.Items.All(item => item is long) ? [.. tuple.Items.Cast<long>()] : null;
}
