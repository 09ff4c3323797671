namespace TorchSharp;

public static partial class torch
{
    /// <summary>The thread's innermost open scope.</summary>
    public static DisposeScope? CurrentDisposeScope => DisposeScopeManager.OfThread.Current;

    /// <summary>Opens a scope on this thread: tensors made until it is disposed are disposed with it.</summary>
    public static DisposeScope NewDisposeScope() => DisposeScopeManager.OfThread.Open();
}
