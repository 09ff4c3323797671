namespace TorchSharp;

public static partial class torch
{
    // Random numbers, from the default generator of the device unless one is given.
    public partial class Tensor
    {
        public Tensor uniform_(double from, double to, Generator? generator = null) => Done("uniform_", this, from, to, generator);

        public Tensor normal_(double mean = 0, double std = 1, Generator? generator = null) => Done("normal_", this, mean, std, generator);

        /// <summary>Integers in [from, to).</summary>
        public Tensor random_(double from, double to, Generator? generator = null) => Done("random_.from", this, (long)from, (long)to, generator);

        public Tensor exponential_(double lambda = 1, Generator? generator = null) => Done("exponential_", this, lambda, generator);

        public Tensor bernoulli(Generator? generator = null) => Operator.Call("bernoulli", this, generator);
        public Tensor bernoulli_(double p = 0.5, Generator? generator = null) => Done("bernoulli_.float", this, p, generator);
        public Tensor bernoulli_(Tensor p, Generator? generator = null) => Done("bernoulli_.Tensor", this, p, generator);

        /// <summary>Indices drawn with the weights of each row.</summary>
        public Tensor multinomial(long num_samples, bool replacement = false, Generator? generator = null) =>
            Operator.Call("multinomial", this, num_samples, replacement, generator);
    }
}
