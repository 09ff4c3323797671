using FineTuneService.Engine.Models;

namespace FineTuneService.Device;

/// <summary>A model, and an adapter on it, that are to be used.</summary>
/// <param name="Text">What the model's folder says, from <see cref="ModelTexts"/>.</param>
/// <param name="AdapterFolder">Null where there is no adapter, as with its id.</param>
public sealed record AskedModel(ModelText Text, BasePrecision Precision, string? AdapterId = null, string? AdapterFolder = null);

/// <summary>Why a model, or its adapter, cannot be loaded now.</summary>
/// <param name="Message">What to do, for the client.</param>
internal sealed record NoRoom(NoRoomKind Kind, string Message);

internal enum NoRoomKind
{
    /// <summary>Every place for an adapter is in use.</summary>
    Adapters,

    /// <summary>What is loaded is in use, and leaves too little memory.</summary>
    Memory,

    /// <summary>Waiting for answers to end will not help.</summary>
    Never,
}

/// <summary>A hold on a model and its adapter: neither is let go of before it is disposed, on the device's thread.</summary>
public sealed class ModelUse : IDisposable
{
    private Action? _exit;

    internal ModelUse(ResidentModel model, ResidentAdapter? adapter, Action exit) => (Model, Adapter, _exit) = (model, adapter, exit);

    public ResidentModel Model { get; }

    /// <summary>Null: the model alone.</summary>
    public ResidentAdapter? Adapter { get; }

    public void Dispose()
    {
        Action? exit = _exit;
        _exit = null;
        exit?.Invoke();
    }
}
