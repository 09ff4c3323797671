using FineTuneService.Engine.Models;

namespace FineTuneService.Device;

/// <summary>A job's own copy of a base, whose weights its training changes: nothing is served by it. On the device's thread only.</summary>
public sealed class ModelCopy : Resident, IDisposable
{
    private Action<ModelCopy>? _exit;

    internal ModelCopy(BaseModel own, long bytes, Action<ModelCopy> exit) => (Base, Bytes, _exit) = (own, bytes, exit);

    public BaseModel Base { get; }

    public void Dispose()
    {
        Action<ModelCopy>? exit = _exit;
        _exit = null;
        exit?.Invoke(this);
    }

    internal override void Free() => Base.Dispose();
}
