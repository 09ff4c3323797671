namespace TorchSharp;

public static partial class torch
{
    // libtorch's autograd: what this repository's own backwards are tested against.
    public partial class Tensor
    {
        /// <summary>Whether operations on this tensor are recorded for gradients.</summary>
        public bool requires_grad
        {
            get => Native.torch_requires_grad(Handle) != 0;
            set => Native.Check(Native.torch_set_requires_grad(Handle, value ? 1 : 0));
        }

        public bool is_leaf => Native.torch_is_leaf(Handle) != 0;

        /// <summary>The gradient that backward left here; null before.</summary>
        public Tensor? grad
        {
            get => Native.torch_grad(Handle) is var gradient and not 0 ? new Tensor(gradient) : null;
            set => Native.Check(Native.torch_set_grad(Handle, value?.Handle ?? 0));
        }

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        public Tensor with_requires_grad(bool requires_grad = true) => requires_grad_(requires_grad);

        /// <summary>Keeps the gradient of a tensor that is not a leaf.</summary>
        public void retain_grad() => Native.Check(Native.torch_retain_grad(Handle));

        public void backward() => autograd.backward([this]);

        public void backward(IList<Tensor>? grad_tensors = null, bool retain_graph = false, bool create_graph = false, IList<Tensor>? inputs = null) =>
            autograd.backward([this], grad_tensors, retain_graph, create_graph, inputs);

        /// <summary>The same memory outside the record of operations.</summary>
        public Tensor detach() => Operator.Call("detach", this);

        public Tensor detach_() => InPlace("detach_");
    }
}
