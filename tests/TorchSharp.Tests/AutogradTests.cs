namespace TorchSharp.Tests;

public sealed class AutogradTests
{
    [Fact]
    public void Backward_OfASum_LeavesGradientsAtTheLeaves()
    {
        var x = tensor(new[] { 1f, 2f, 3f }, requires_grad: true);
        (x * x).sum().backward();
        Expect.Holds(x.grad!, 2, 4, 6);
        x.pow(3).sum().backward();
        Expect.Holds(x.grad!, 5, 16, 33);
        x.grad = null;
        Assert.Null(x.grad);
    }

    [Fact]
    public void Grad_OfOutputs_ReturnsOneTensorAnInput()
    {
        var (a, b, unused) = (tensor(2f, requires_grad: true), tensor(3f, requires_grad: true), tensor(1f, requires_grad: true));
        var gradients = autograd.grad([a * b], [a, b, unused], [tensor(10f)], allow_unused: true);
        Expect.Holds(gradients[0], 30);
        Expect.Holds(gradients[1], 20);
        Assert.Null(gradients[2]);
        Assert.Null(a.grad);
    }

    [Fact]
    public void Grad_WithCreateGraph_CanBeDifferentiatedAgain()
    {
        var x = tensor(3f, requires_grad: true);
        var first = autograd.grad([x.pow(3)], [x], create_graph: true)[0];
        Expect.Holds(autograd.grad([first], [x])[0], 18);
    }

    [Fact]
    public void Backward_WithGradients_WeighsTheOutputs()
    {
        var x = ones(2, requires_grad: true);
        (x * 3).backward([tensor(new[] { 1f, 2f })]);
        Expect.Holds(x.grad!, 3, 6);
    }

    [Fact]
    public void NoGrad_UntilDisposed_RecordsNothing()
    {
        var x = ones(2, requires_grad: true);
        using (no_grad())
        {
            Assert.False(is_grad_enabled());
            Assert.False((x * 2).requires_grad);
            using (enable_grad())
                Assert.True((x * 2).requires_grad);
        }

        Assert.True((x * 2).requires_grad);
        Assert.False((x * 2).is_leaf);
        Assert.False((x * 2).detach().requires_grad);
    }

    [Fact]
    public void InferenceMode_UntilDisposed_IsOn()
    {
        using (inference_mode())
            Assert.True(is_inference_mode_enabled());
        Assert.False(is_inference_mode_enabled());
    }

    [Fact]
    public void GradMode_IsEachThreadsOwn()
    {
        using var off = no_grad();
        var other = false;
        var thread = new Thread(() => other = is_grad_enabled());
        thread.Start();
        thread.Join();
        Assert.True(other);
    }
}
