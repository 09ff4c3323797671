namespace TorchSharp.Tests;

public sealed class DisposeScopeTests
{
    [Fact]
    public void Dispose_OfAScope_DisposesWhatWasMadeInIt()
    {
        var outside = zeros(1);
        Tensor inside;
        using (var scope = NewDisposeScope())
        {
            inside = outside + 1;
            Assert.Same(scope, CurrentDisposeScope);
            Assert.Equal(1, scope.DisposablesCount);
            Assert.True(scope.Contains(inside));
        }

        Assert.True(inside.IsInvalid);
        Assert.False(outside.IsInvalid);
        Assert.Null(CurrentDisposeScope);
    }

    [Fact]
    public void MoveToOuter_FromANestedScope_LivesAsLongAsTheOuter()
    {
        Tensor moved, kept;
        using (NewDisposeScope())
        {
            using (var inner = NewDisposeScope())
            {
                moved = inner.MoveToOuter(zeros(1));
                kept = zeros(1).MoveToOuterDisposeScope();
            }

            Assert.False(moved.IsInvalid);
            Assert.False(kept.IsInvalid);
        }

        Assert.True(moved.IsInvalid);
        Assert.True(kept.IsInvalid);
    }

    [Fact]
    public void MoveToOuter_WithoutAnOuterScope_DetachesTheTensor()
    {
        Tensor moved;
        using (NewDisposeScope())
            moved = zeros(1).MoveToOuterDisposeScope();
        Assert.False(moved.IsInvalid);
        moved.Dispose();
    }

    [Fact]
    public void MoveToOther_AndAttach_ChangeTheOwner()
    {
        using var first = NewDisposeScope();
        var free = zeros(1).DetachFromDisposeScope();
        var owned = zeros(1);
        using (var second = NewDisposeScope())
        {
            second.Attach(free);
            _ = owned.MoveToOtherDisposeScope(second);
            Assert.True(second.Contains(free));
            Assert.True(second.Contains(owned));
            Assert.False(first.Contains(owned));
        }

        Assert.True(free.IsInvalid);
        Assert.True(owned.IsInvalid);
    }

    [Fact]
    public void Detach_TakesATensorOutOfEveryScope()
    {
        Tensor detached;
        using (var scope = NewDisposeScope())
            detached = scope.Detach(zeros(1));
        Assert.False(detached.IsInvalid);
        detached.Dispose();
    }

    [Fact]
    public void DisposeEverythingBut_KeepsSomeAndStaysOpen()
    {
        using var scope = NewDisposeScope();
        var (a, b, c) = (zeros(1), zeros(1), zeros(1));
        _ = scope.DisposeEverythingBut(b);
        Assert.True(a.IsInvalid);
        Assert.False(b.IsInvalid);
        Assert.True(c.IsInvalid);
        Assert.Equal(1, scope.DisposablesCount);
        scope.DisposeEverything();
        Assert.True(b.IsInvalid);
    }

    [Fact]
    public void Dispose_OfATensorByItself_TakesItOutOfItsScope()
    {
        using var scope = NewDisposeScope();
        zeros(1).Dispose();
        Assert.Equal(0, scope.DisposablesCount);
    }

    [Fact]
    public void Dispose_OfAnOuterScopeFirst_LeavesTheInnerCurrent()
    {
        var outer = NewDisposeScope();
        using (var inner = NewDisposeScope())
        {
            outer.Dispose();
            Assert.Same(inner, CurrentDisposeScope);
            _ = Assert.Throws<ObjectDisposedException>(() => outer.DisposablesCount);
        }

        Assert.Null(CurrentDisposeScope);
    }

    [Fact]
    public void Scopes_AreEachThreadsOwn()
    {
        using var scope = NewDisposeScope();
        Tensor? elsewhere = null;
        DisposeScope? seen = scope;
        var thread = new Thread(() =>
        {
            seen = CurrentDisposeScope;
            elsewhere = zeros(1);
        });
        thread.Start();
        thread.Join();
        Assert.Null(seen);
        Assert.False(scope.Contains(elsewhere!));
        elsewhere!.Dispose();
    }

    [Fact]
    public void Statistics_CountWhatAThreadDid()
    {
        var statistics = DisposeScopeManager.Statistics;
        statistics.Reset();
        var outside = zeros(1);
        using (var scope = NewDisposeScope())
        {
            _ = zeros(1);
            _ = zeros(1).DetachFromDisposeScope();
            scope.Attach(outside);
        }

        Assert.Equal(1, statistics.CreatedOutsideScopeCount);
        Assert.Equal(2, statistics.CreatedInScopeCount);
        Assert.Equal(2, statistics.DisposedInScopeCount);
        Assert.Equal(1, statistics.AttachedToScopeCount);
        Assert.Equal(1, statistics.DetachedFromScopeCount);
        Assert.Equal(1, statistics.ThreadTotalLiveCount);
    }
}
