using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats.Torch;

/// <summary>A name that a pickle asks for: nothing is imported for it.</summary>
internal sealed record PickleGlobal(string Module, string Name)
{
    public override string ToString() => $"{Module}.{Name}";
}

/// <summary>A dictionary, plain or ordered, in its own order. Keys that are no text are kept apart from nothing: only their number counts.</summary>
internal sealed class PickleDict
{
    public Dictionary<string, object?> Items { get; } = new(StringComparer.Ordinal);

    /// <summary>A key that is no text, for the message; null where there is none.</summary>
    public string? OtherKey { get; set; }
}

internal sealed class PickleList
{
    public List<object?> Items { get; } = [];
}

/// <summary>A tuple; immutable once made.</summary>
internal sealed record PickleTuple(object?[] Items);

/// <summary>Numbers of a dtype that a pickle refers to.</summary>
/// <param name="Key">Names the file of the archive that holds them.</param>
/// <param name="Count">Elements.</param>
internal sealed record TorchStorage(string Key, ScalarType Dtype, long Count);

/// <summary>A view of a storage.</summary>
/// <param name="Offset">In elements, as are the strides.</param>
internal sealed record TorchTensor(TorchStorage Storage, long Offset, long[] Shape, long[] Strides);
