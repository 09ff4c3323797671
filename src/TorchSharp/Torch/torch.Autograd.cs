namespace TorchSharp;

public static partial class torch
{
    public static unsafe class autograd
    {
        /// <summary>
        /// The gradients of the sum of outputs (each weighted by its tensor of <paramref name="grad_outputs"/>) with respect
        /// to inputs, one an input.
        /// </summary>
        public static IList<Tensor> grad(IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor>? grad_outputs = null,
            bool retain_graph = false, bool create_graph = false, bool allow_unused = false)
        {
            var (from, weights, to) = (Handles(outputs), Handles(grad_outputs, outputs.Count), Handles(inputs));
            var results = new nint[to.Length];
            fixed (nint* f = from, w = weights, t = to, r = results)
                _ = Native.Check(Native.torch_gradients(f, w, from.Length, t, to.Length, retain_graph ? 1 : 0, create_graph ? 1 : 0, allow_unused ? 1 : 0, r));
            GC.KeepAlive(outputs);
            GC.KeepAlive(inputs);
            GC.KeepAlive(grad_outputs);
            return [.. results.Select(handle => handle == 0 ? null! : new Tensor(handle))];
        }

        /// <summary>Adds the gradients of tensors to the <see cref="Tensor.grad"/> of the leaves (or of inputs, if given).</summary>
        public static void backward(IList<Tensor> tensors, IList<Tensor>? grad_tensors = null, bool? retain_graph = null,
            bool create_graph = false, IList<Tensor>? inputs = null)
        {
            var (from, weights, to) = (Handles(tensors), Handles(grad_tensors, tensors.Count), Handles(inputs, 0));
            fixed (nint* f = from, w = weights, t = to)
                _ = Native.Check(Native.torch_backward(f, w, from.Length, retain_graph ?? create_graph ? 1 : 0, create_graph ? 1 : 0, t, to.Length));
            GC.KeepAlive(tensors);
            GC.KeepAlive(grad_tensors);
            GC.KeepAlive(inputs);
        }

        public static void backward(Tensor tensor, IList<Tensor>? grad_tensors = null, bool? retain_graph = null,
            bool create_graph = false, IList<Tensor>? inputs = null) => backward([tensor], grad_tensors, retain_graph, create_graph, inputs);

        public static void backward(Tensor tensor, Tensor grad_tensor, bool? retain_graph = null,
            bool create_graph = false, IList<Tensor>? inputs = null) => backward([tensor], [grad_tensor], retain_graph, create_graph, inputs);

        /// <summary>The handles of tensors; that many nulls if there are none.</summary>
        private static nint[] Handles(IList<Tensor>? tensors, int ifNone = 0) =>
            tensors is null ? new nint[ifNone] : [.. tensors.Select(tensor => tensor.Handle)];
    }
}
