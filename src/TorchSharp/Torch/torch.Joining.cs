namespace TorchSharp;

// Tensors from several tensors.
public static partial class torch
{
    public static Tensor cat(Tensor[] tensors, long dim = 0) => Operator.Call("cat", tensors, dim);
    public static Tensor cat(IList<Tensor> tensors, long dim = 0) => cat(tensors.ToArray(), dim);
    public static Tensor cat(ReadOnlySpan<Tensor> tensors, long dim = 0) => cat(tensors.ToArray(), dim);
    public static Tensor concat(Tensor[] tensors, long dim = 0) => cat(tensors, dim);
    public static Tensor concat(IList<Tensor> tensors, long dim = 0) => cat(tensors, dim);
    public static Tensor stack(IEnumerable<Tensor> tensors, long dim = 0) => Operator.Call("stack", tensors.ToArray(), dim);
    public static Tensor vstack(Tensor[] tensors) => Operator.Call("vstack", tensors);
    public static Tensor vstack(IList<Tensor> tensors) => vstack(tensors.ToArray());
    public static Tensor hstack(params Tensor[] tensors) => Operator.Call("hstack", tensors);
    public static Tensor hstack(IList<Tensor> tensors) => hstack(tensors.ToArray());
    public static Tensor[] meshgrid(IEnumerable<Tensor> tensors, string indexing = "ij") => Operator.CallMany("meshgrid.indexing", tensors.ToArray(), indexing);
}
