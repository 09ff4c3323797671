namespace TorchSharp;

/// <summary>
/// Disposes, when it is disposed, every tensor made on its thread since it was opened, except those moved or detached.
/// Scopes nest; a tensor belongs to at most one.
/// </summary>
public sealed class DisposeScope : IDisposable
{
    private DisposeScopeManager? manager;

    internal DisposeScope(DisposeScopeManager manager, DisposeScope? outer)
    {
        this.manager = manager;
        Outer = outer;
    }

    internal DisposeScope? Outer { get; set; }

    internal HashSet<IDisposable> Disposables { get; private set; } = new(ReferenceEqualityComparer.Instance);

    public int DisposablesCount => DisposablesView.Count;

    /// <summary>A copy of what the scope holds.</summary>
    public IReadOnlyList<IDisposable> DisposablesView
    {
        get
        {
            _ = Open;
            return [.. Disposables];
        }
    }

    /// <exception cref="ObjectDisposedException">The scope was closed.</exception>
    private DisposeScopeManager Open => manager ?? throw new ObjectDisposedException(nameof(DisposeScope));

    public bool Contains(IDisposable disposable) => Disposables.Contains(disposable);

    public void Attach(IDisposable disposable) => Attach([disposable]);

    public void Attach(params IDisposable[] disposables) => _ = Attach((IEnumerable<IDisposable>)disposables);

    public IReadOnlyList<IDisposable> Attach(IEnumerable<IDisposable> disposables)
    {
        var counts = Open.Counts.TensorStatistics;
        var attached = disposables.ToList();
        foreach (var disposable in attached)
            if (Take(disposable))
                counts.AttachedToScopeCount++;
        return attached;
    }

    public T Detach<T>(T disposable)
        where T : IDisposable
    {
        Detach([disposable]);
        return disposable;
    }

    public (T1 first, T2 second) Detach<T1, T2>(T1 first, T2 second)
        where T1 : IDisposable
        where T2 : IDisposable
    {
        Detach([first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) Detach<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable
        where T2 : IDisposable
        where T3 : IDisposable
    {
        Detach([first, second, third]);
        return (first, second, third);
    }

    public void Detach(params IDisposable[] disposables) => Detach((IEnumerable<IDisposable>)disposables);

    /// <summary>Leaves tensors without a scope: their owner disposes them.</summary>
    public void Detach(IEnumerable<IDisposable> disposables)
    {
        var counts = Open.Counts.TensorStatistics;
        foreach (var disposable in disposables)
            if (Disposables.Remove(disposable))
            {
                counts.DetachedFromScopeCount++;
                AsTensor(disposable).OwningDisposeScope = null;
            }
    }

    public T MoveToOuter<T>(T disposable)
        where T : IDisposable => MoveToOther(Outer, disposable);

    public (T1 first, T2 second) MoveToOuter<T1, T2>(T1 first, T2 second)
        where T1 : IDisposable
        where T2 : IDisposable => MoveToOther(Outer, first, second);

    public (T1 first, T2 second, T3 third) MoveToOuter<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable
        where T2 : IDisposable
        where T3 : IDisposable => MoveToOther(Outer, first, second, third);

    public void MoveToOuter(params IDisposable[] disposables) => MoveToOther(Outer, (IEnumerable<IDisposable>)disposables);

    /// <summary>Hands tensors to the enclosing scope, or detaches them where there is none.</summary>
    public void MoveToOuter(IEnumerable<IDisposable> disposables) => MoveToOther(Outer, disposables);

    public T MoveToOther<T>(DisposeScope? scope, T disposable)
        where T : IDisposable
    {
        MoveToOther(scope, [disposable]);
        return disposable;
    }

    public (T1 first, T2 second) MoveToOther<T1, T2>(DisposeScope? scope, T1 first, T2 second)
        where T1 : IDisposable
        where T2 : IDisposable
    {
        MoveToOther(scope, [first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) MoveToOther<T1, T2, T3>(DisposeScope? scope, T1 first, T2 second, T3 third)
        where T1 : IDisposable
        where T2 : IDisposable
        where T3 : IDisposable
    {
        MoveToOther(scope, [first, second, third]);
        return (first, second, third);
    }

    public void MoveToOther(DisposeScope? scope, params IDisposable[] disposables) =>
        MoveToOther(scope, (IEnumerable<IDisposable>)disposables);

    /// <summary>Hands tensors of this scope to another, or detaches them if that is null.</summary>
    public void MoveToOther(DisposeScope? scope, IEnumerable<IDisposable> disposables)
    {
        _ = Open;
        if (scope is null)
            Detach(disposables);
        else
            foreach (var disposable in disposables)
                if (Disposables.Contains(disposable))
                    _ = scope.Take(disposable);
    }

    public void DisposeEverything() => DisposeEverythingBut((IEnumerable<IDisposable>)[]);

    public T DisposeEverythingBut<T>(T keep)
        where T : IDisposable
    {
        DisposeEverythingBut([keep]);
        return keep;
    }

    public (T1 first, T2 second) DisposeEverythingBut<T1, T2>(T1 first, T2 second)
        where T1 : IDisposable
        where T2 : IDisposable
    {
        DisposeEverythingBut([first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) DisposeEverythingBut<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable
        where T2 : IDisposable
        where T3 : IDisposable
    {
        DisposeEverythingBut([first, second, third]);
        return (first, second, third);
    }

    public void DisposeEverythingBut(params IDisposable[] keep) => DisposeEverythingBut((IEnumerable<IDisposable>)keep);

    /// <summary>Frees what the scope holds so far, except some; it stays open.</summary>
    public void DisposeEverythingBut(IEnumerable<IDisposable> inKeep)
    {
        _ = Open;
        var held = Disposables;
        Disposables = inKeep.ToHashSet<IDisposable>(ReferenceEqualityComparer.Instance);
        foreach (var disposable in held)
            if (!Disposables.Contains(disposable))
                disposable.Dispose();
    }

    public void Dispose()
    {
        if (manager is null)
            return;
        DisposeEverything();
        manager.Close(this);
        manager = null;
    }

    /// <summary>Lets go of a tensor that was disposed by itself.</summary>
    public void MarkAsDisposed(IDisposable disposable)
    {
        _ = Disposables.Remove(disposable);
        AsTensor(disposable).OwningDisposeScope = null;
    }

    private static torch.Tensor AsTensor(IDisposable disposable) =>
        disposable as torch.Tensor ?? throw new InvalidOperationException("DisposeScope can only manage Tensor or PackedSequence");

    private bool Take(IDisposable disposable)
    {
        var tensor = AsTensor(disposable);
        if (tensor.OwningDisposeScope == this)
            return false;
        _ = tensor.OwningDisposeScope?.Disposables.Remove(tensor);
        _ = Disposables.Add(tensor);
        tensor.OwningDisposeScope = this;
        return true;
    }
}
