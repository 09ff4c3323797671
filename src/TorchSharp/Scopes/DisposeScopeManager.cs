namespace TorchSharp;

/// <summary>The open dispose scopes of a thread, innermost last, and its counts.</summary>
public class DisposeScopeManager
{
    [ThreadStatic] private static DisposeScopeManager? ofThread;

    internal static DisposeScopeManager OfThread => ofThread ??= new DisposeScopeManager();

    public static ThreadDisposeScopeStatistics Statistics => OfThread.Counts;

    internal ThreadDisposeScopeStatistics Counts { get; } = new();

    internal DisposeScope? Current { get; private set; }

    internal DisposeScope Open() => Current = new DisposeScope(this, Current);

    /// <summary>Takes a scope out of the chain, wherever in it it is.</summary>
    internal void Close(DisposeScope closed)
    {
        if (Current == closed)
        {
            Current = closed.Outer;
            return;
        }

        for (var scope = Current; scope is not null; scope = scope.Outer)
            if (scope.Outer == closed)
            {
                scope.Outer = closed.Outer;
                return;
            }
    }

    /// <summary>Counts a new tensor, and hands it to the innermost scope, which is returned.</summary>
    internal DisposeScope? Register(torch.Tensor tensor)
    {
        if (Current is null)
            Counts.TensorStatistics.CreatedOutsideScopeCount++;
        else
        {
            Counts.TensorStatistics.CreatedInScopeCount++;
            _ = Current.Disposables.Add(tensor);
        }

        return Current;
    }

    internal void CountDisposed(torch.Tensor tensor)
    {
        if (tensor.OwningDisposeScope is null)
            Counts.TensorStatistics.DisposedOutsideScopeCount++;
        else
            Counts.TensorStatistics.DisposedInScopeCount++;
    }
}
