using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.Gates;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Families;

/// <summary>
/// The decoder of every family as its papers write it, one libtorch operator after the other in float64 over libtorch's autograd, a sequence at
/// a time: what the tape's losses and gradients are held against.
/// </summary>
/// <param name="values">A stored tensor's values in float64, which autograd may know.</param>
internal sealed class ReferenceDecoder(ModelConfig config, DecoderWeights weights, Func<Tensor, Tensor> values)
{
    /// <summary>A and B by module name, in float64; empty: the base alone.</summary>
    public IReadOnlyDictionary<string, (Tensor A, Tensor B)> Adapter { get; init; } = new Dictionary<string, (Tensor, Tensor)>();

    public double Scaling { get; init; }

    /// <summary>[tokens, vocabulary] of each row's tokens, row after row.</summary>
    public Tensor Logits(IReadOnlyList<int[]> rows) => cat([.. rows.Select(row => Logits(Ids(row), rows.Max(other => other.Length)))]);

    /// <summary>Mean loss of every next token of the rows, which are padded to the longest in the run that this is compared with.</summary>
    public Tensor Loss(IReadOnlyList<int[]> rows)
    {
        int longest = rows.Max(row => row.Length);
        Tensor sum = stack([.. rows.Select(row => LossSum(row, longest))]).sum();
        return sum / rows.Sum(row => row.Length - 1);
    }

    private Tensor LossSum(int[] row, int longest)
    {
        Tensor ids = Ids(row);
        Tensor logits = Logits(ids, longest).narrow(0, 0, row.Length - 1);
        return nn.functional.cross_entropy(logits, ids.narrow(0, 1, row.Length - 1), reduction: nn.Reduction.Sum);
    }

    /// <summary>[length, vocabulary].</summary>
    private Tensor Logits(Tensor ids, int longest)
    {
        Tensor x = values(weights.Embedding.Stored ?? weights.Embedding.Values()).index_select(0, ids);
        if (weights.ProjectIn is { } projectIn) x = Linear(x, projectIn);
        x = x * config.EmbeddingScale;
        if (weights.Positions is { } learned) x = x + values(learned).narrow(0, config.PositionOffset!.Value, ids.shape[0]);
        for (int i = 0; i < config.Layers; i++) x = Block(x, weights.Layers[i], config.Layer(i), longest);
        if (weights.FinalNorm is { } norm) x = Norm(x, norm);
        if (weights.ProjectOut is { } projectOut) x = Linear(x, projectOut);
        Tensor logits = Linear(x, weights.Head) * config.LogitScale;
        return Capped(logits, config.LogitSoftCap);
    }

    private Tensor Block(Tensor x, LayerWeights layer, LayerTraits traits, int longest)
    {
        switch (config.Residual)
        {
            case Residual.Sequential:
                x = x + Attend(Norm(x, layer.BeforeAttention), layer, traits, longest);
                return x + Mlp(Norm(x, layer.BeforeMlp), layer);
            case Residual.Parallel:
                Tensor first = Norm(x, layer.BeforeAttention), second = layer.BeforeMlp is null ? first : Norm(x, layer.BeforeMlp);
                return x + Attend(first, layer, traits, longest) + Mlp(second, layer);
            default:
                x = Norm(x + Attend(x, layer, traits, longest), layer.BeforeAttention);
                return Norm(x + Mlp(x, layer), layer.BeforeMlp);
        }
    }

    private Tensor Attend(Tensor x, LayerWeights layer, LayerTraits traits, int longest)
    {
        (long length, long heads, long kv, long width) = (x.shape[0], config.Heads, config.KeyValueHeads, config.HeadDim);
        long group = heads / kv;
        Tensor qkv = Linear(x, layer.Qkv), q, k, v;
        if (config.GroupedQkv)
        {
            Tensor grouped = qkv.view(length, kv, group + 2, width);
            (q, k, v) = (grouped.narrow(2, 0, group).reshape(length, heads, width), grouped.select(2, group), grouped.select(2, group + 1));
        }
        else
        {
            Tensor all = qkv.view(length, heads + 2 * kv, width);
            (q, k, v) = (all.narrow(1, 0, heads), all.narrow(1, heads, kv), all.narrow(1, heads + kv, kv));
        }
        (q, k) = (HeadNorm(q, layer.QueryNorm), HeadNorm(k, layer.KeyNorm));
        if (traits.Rope != RopeUse.None) (q, k) = (Rotate(q, traits.Rope, longest), Rotate(k, traits.Rope, longest));
        k = k.repeat_interleave(group, 1);
        v = v.repeat_interleave(group, 1);

        Tensor scores = einsum("qhd,khd->hqk", q, k), queries = arange(length).unsqueeze(1), keys = arange(length).unsqueeze(0);
        if (config.Alibi)
        {
            // Falcon rounds the products too.
            Tensor bias = tensor(AlibiSlopes.Of(config.Heads)).view(-1, 1, 1) * keys.to_type(ScalarType.Float32);
            scores = scores + bias.to_type(ScalarType.BFloat16).to_type(ScalarType.Float64);
        }
        scores = Capped(scores * (config.AttentionScale ?? 1 / Math.Sqrt(width)), config.ScoreSoftCap);
        Tensor hidden = keys > queries;
        if (traits.Window > 0) hidden = hidden | (keys <= queries - traits.Window);
        Tensor probabilities = scores.masked_fill(hidden, double.NegativeInfinity).softmax(-1);
        Tensor mixed = einsum("hqk,khd->qhd", probabilities, v).reshape(length, heads * width);
        return Branch(Linear(mixed, layer.O), layer.AfterAttention);
    }

    private Tensor Mlp(Tensor x, LayerWeights layer)
    {
        if (layer.Experts is not { } experts) return Branch(Mlp(x, layer.Up!, layer.Down!), layer.AfterMlp);
        Tensor probabilities = Linear(x, experts.Router).softmax(-1);
        (Tensor chosen, Tensor which) = probabilities.topk(config.Experts!.Active, -1);
        if (config.Experts.Renormalise) chosen = chosen / chosen.sum(-1L, keepdim: true);
        Tensor shares = zeros_like(probabilities).scatter(1, which, chosen), sum = zeros_like(x);
        for (int i = 0; i < experts.Experts.Count; i++) sum = sum + shares.narrow(1, i, 1) * Mlp(x, experts.Experts[i].Up, experts.Experts[i].Down);
        return Branch(sum, layer.AfterMlp);
    }

    private Tensor Mlp(Tensor x, LinearWeight up, LinearWeight down)
    {
        Tensor inner = Linear(x, up);
        if (!config.GatedMlp) return Linear(Activation(inner), down);
        Tensor[] halves = inner.chunk(2, -1);
        return Linear(Activation(halves[0]) * halves[1], down);
    }

    private Tensor Branch(Tensor output, NormWeight? norm) => Norm(output, norm) * config.ResidualScale;

    private Tensor Activation(Tensor x) => config.Gate switch
    {
        GateKind.Silu => nn.functional.silu(x),
        GateKind.Gelu => x * 0.5 * (1 + special.erf(x / Math.Sqrt(2))),
        GateKind.GeluTanh => x * 0.5 * (1 + (Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x.pow(3))).tanh()),
        GateKind.Relu => x.relu(),
        GateKind.SquaredRelu => x.relu().pow(2),
        _ => throw new NotSupportedException(config.Gate.ToString()),
    };

    private Tensor HeadNorm(Tensor heads, NormWeight? norm) => norm is not null && config.HeadNorms == HeadNorms.Together
        ? Norm(heads.reshape(heads.shape[0], -1), norm).view(heads.shape) : Norm(heads, norm);

    /// <summary>Of the last dimension; without a norm, x.</summary>
    private Tensor Norm(Tensor x, NormWeight? norm)
    {
        if (norm is null) return x;
        Tensor weight = values(norm.Weight);
        if (norm.Kind == NormKind.Layer) x = x - x.mean([-1], keepdim: true);
        Tensor normed = x / (x.pow(2).mean([-1], keepdim: true) + norm.Epsilon).sqrt();
        Tensor weighted = normed * (norm.Kind == NormKind.RmsOnePlus ? weight + 1 : weight);
        return norm.Bias is null ? weighted : weighted + values(norm.Bias);
    }

    /// <param name="x">[length, heads, headDim].</param>
    private Tensor Rotate(Tensor x, RopeUse use, int longest)
    {
        RopeTraits rope = config.Rope(use);
        var frequencies = RotaryFrequencies.Of(rope, longest);
        Tensor angles = arange(x.shape[0], dtype: ScalarType.Float64).unsqueeze(1) * tensor(frequencies.Inverse).to_type(ScalarType.Float64);
        Tensor cos = angles.cos().unsqueeze(1) * frequencies.Scaling, sin = angles.sin().unsqueeze(1) * frequencies.Scaling;
        Tensor turned = x.narrow(2, 0, rope.Dims), rest = x.narrow(2, rope.Dims, x.shape[2] - rope.Dims);
        Tensor pairs = config.RotaryNeighbours ? turned.unflatten(2, [rope.Dims / 2, 2]) : turned.unflatten(2, [2, rope.Dims / 2]).transpose(2, 3);
        (Tensor a, Tensor b) = (pairs.select(3, 0), pairs.select(3, 1));
        Tensor after = stack([a * cos - b * sin, b * cos + a * sin], 3);
        return cat([(config.RotaryNeighbours ? after : after.transpose(2, 3)).flatten(2), rest], 2);
    }

    private static Tensor Capped(Tensor x, float cap) => cap == 0 ? x : (x / cap).tanh() * cap;

    private static Tensor Ids(int[] row) => tensor(row.Select(id => (long)id).ToArray());

    private Tensor Linear(Tensor x, LinearWeight linear)
    {
        using var pool = new BufferPool(CPU);
        Tensor weight = linear.Stored is { } stored ? values(stored) : linear.Dense(pool).to_type(ScalarType.Float64), y = x.matmul(weight.t());
        if (linear.Bias is { } bias) y = y + values(bias);
        IEnumerable<Tensor> branches = linear.Parts.Select(part => Adapter.TryGetValue(part.Module, out (Tensor A, Tensor B) lora)
            ? x.matmul(lora.A.t()).matmul(lora.B.t()) * Scaling : zeros([x.shape[0], part.Out], ScalarType.Float64));
        return Adapter.Count == 0 ? y : y + cat([.. branches], 1);
    }
}
