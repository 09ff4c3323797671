namespace TorchSharp;

public static partial class torch
{
    public static class nn
    {
        /// <summary>What a loss does with its elements.</summary>
        public enum Reduction
        {
            None = 0,
            Mean = 1,
            Sum = 2,
        }

        public static class functional
        {
            /// <summary>input · weightsᵀ + bias; weights are [out, in].</summary>
            public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null) => Operator.Call("linear", input, weights, bias);

            /// <summary>The mean or sum of -log softmax(input)[target] over the targets that are not ignored.</summary>
            public static Tensor cross_entropy(Tensor input, Tensor target, Tensor? weight = null, long ignore_index = -100,
                Reduction reduction = Reduction.Mean, double label_smoothing = 0.0) =>
                Operator.Call("cross_entropy_loss", input, target, weight, (long)reduction, ignore_index, label_smoothing);

            public static Tensor nll_loss(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean) =>
                Operator.Call("nll_loss_nd", input, target, weight, (long)reduction, -100L);

            public static Tensor mse_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) =>
                Operator.Call("mse_loss", input, target, (long)reduction);

            public static Tensor layer_norm(Tensor input, long[] normalized_shape, Tensor? weight = null, Tensor? bias = null, double eps = 1E-05) =>
                Operator.Call("layer_norm", input, normalized_shape, weight, bias, eps);

            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => input.softmax(dim, dtype);

            public static Tensor log_softmax(Tensor x, long dim) => x.log_softmax(dim);

            public static Tensor silu(Tensor x, bool inplace = false) => inplace ? x.silu_() : x.silu();

            public static Tensor relu(Tensor x, bool inplace = false) => inplace ? x.relu_() : x.relu();

            public static Tensor gelu(Tensor x) => x.gelu();

            public static Tensor sigmoid(Tensor x) => x.sigmoid();

            public static Tensor tanh(Tensor x, bool inplace = false) => inplace ? x.tanh_() : x.tanh();

            public static Tensor softplus(Tensor x, double beta = 1, double threshold = 20) => x.softplus(beta, threshold);

            /// <summary>Zeroes elements with probability p and scales the others by 1 / (1 - p), when training.</summary>
            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false)
            {
                if (!inplace)
                    return Operator.Call("dropout", input, p, training);
                Operator.Do("dropout_", input, p, training);
                return input;
            }

            public static Tensor one_hot(Tensor x, long num_classes = -1) => Operator.Call("one_hot", x, num_classes);
        }
    }
}
