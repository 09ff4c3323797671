using FineTuneService.Engine.Compute;

namespace FineTuneService.Device;

/// <summary>What a job's training holds beside its base: parameters, gradients, the optimizer's state and a step's buffers. On the device's thread only.</summary>
public sealed class JobMemory : Resident, IDisposable
{
    private Action<JobMemory>? _exit;

    internal JobMemory(MemoryShare share, Action<JobMemory> exit) => (Share, _exit) = (share, exit);

    public MemoryShare Share { get; }

    public override long Bytes => Share.Taken;

    public void Dispose()
    {
        Action<JobMemory>? exit = _exit;
        _exit = null;
        exit?.Invoke(this);
    }

    internal override void Free() => Share.Dispose();
}
