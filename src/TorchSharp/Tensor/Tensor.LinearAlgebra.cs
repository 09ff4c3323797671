namespace TorchSharp;

public static partial class torch
{
    // Products of vectors, matrices and batches of matrices.
    public partial class Tensor
    {
        public Tensor matmul(Tensor target) => Operator.Call("matmul", this, target);
        public Tensor mm(Tensor target) => Operator.Call("mm", this, target);
        public Tensor mv(Tensor target) => Operator.Call("mv", this, target);
        public Tensor bmm(Tensor batch2) => Operator.Call("bmm", this, batch2);

        /// <summary>beta · this + alpha · mat1 · mat2. With beta 0 this tensor's own values do not matter, not even NaN.</summary>
        public Tensor addmm(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) => Operator.Call("addmm", this, mat1, mat2, (double)beta, (double)alpha);
        public Tensor addmm_(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) => Done("addmm_", this, mat1, mat2, (double)beta, (double)alpha);
        public Tensor addmv(Tensor mat, Tensor vec, float beta = 1, float alpha = 1) => Operator.Call("addmv", this, mat, vec, (double)beta, (double)alpha);
        public Tensor addmv_(Tensor mat, Tensor vec, float beta = 1, float alpha = 1) => Done("addmv_", this, mat, vec, (double)beta, (double)alpha);
        public Tensor addr(Tensor vec1, Tensor vec2, float beta = 1, float alpha = 1) => Operator.Call("addr", this, vec1, vec2, (double)beta, (double)alpha);
        public Tensor addr_(Tensor vec1, Tensor vec2, float beta = 1, float alpha = 1) => Done("addr_", this, vec1, vec2, (double)beta, (double)alpha);
        public Tensor baddbmm(Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => Operator.Call("baddbmm", this, batch1, batch2, (double)beta, (double)alpha);
        public Tensor addbmm(Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => Operator.Call("addbmm", this, batch1, batch2, (double)beta, (double)alpha);
        public Tensor addbmm_(Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => Done("addbmm_", this, batch1, batch2, (double)beta, (double)alpha);

        public Tensor dot(Tensor target) => Operator.Call("dot", this, target);
        public Tensor inner(Tensor vec2) => Operator.Call("inner", this, vec2);
        public Tensor outer(Tensor vec2) => Operator.Call("outer", this, vec2);
        public Tensor trace() => Operator.Call("trace", this);
        public Tensor diag(long diagonal = 0) => Operator.Call("diag", this, diagonal);
        public Tensor diagonal(long offset = 0, long dim1 = 0, long dim2 = 1) => Operator.Call("diagonal", this, offset, dim1, dim2);
    }
}
