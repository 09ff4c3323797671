using System.Text.Json.Nodes;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models;

internal sealed record LinearPart(string Module, int Offset, int Out);

internal abstract class LinearWeight
{
    public required IReadOnlyList<LinearPart> Parts { get; init; }
    public int In { get; init; }
    public int Out { get; init; }
    public Tensor? Bias { get; init; }
    public abstract Tensor? Stored { get; }
    public abstract Tensor Dense(BufferPool pool);
}

internal sealed class DenseWeight(Tensor weight) : LinearWeight
{
    public override Tensor? Stored => weight;
    public override Tensor Dense(BufferPool pool) => weight;
}

internal sealed class LayerWeights
{
    public required Tensor InputNorm, PostAttentionNorm;
    public required LinearWeight Qkv, O, GateUp, Down;
}

internal sealed class DecoderWeights
{
    public required Tensor EmbedTokens, FinalNorm;
    public required LayerWeights[] Layers;
    public required LinearWeight Head;

    public IEnumerable<Tensor> Parameters
    {
        get
        {
            yield return EmbedTokens;
            foreach (var l in Layers)
            {
                yield return l.InputNorm;
                yield return l.PostAttentionNorm;
                foreach (var w in new[] { l.Qkv, l.O, l.GateUp, l.Down })
                {
                    yield return w.Stored!;
                    if (w.Bias is not null) yield return w.Bias;
                }
            }
            yield return FinalNorm;
            if (!ReferenceEquals(Head.Stored, EmbedTokens)) yield return Head.Stored!;
        }
    }
}

public sealed class BaseModel
{
    public required ModelConfig Config;
    public required BasePrecision Precision;
    internal DecoderWeights Weights = null!;

    internal static Dictionary<string, Tensor> Read(string path)
    {
        byte[] b = File.ReadAllBytes(path);
        long n = BitConverter.ToInt64(b, 0);
        var h = (JsonObject)JsonNode.Parse(System.Text.Encoding.UTF8.GetString(b, 8, (int)n))!;
        var r = new Dictionary<string, Tensor>();
        foreach (var (name, v) in h)
        {
            if (name == "__metadata__") continue;
            long[] shape = [.. v!["shape"]!.AsArray().Select(x => (long)x!)];
            int s = (int)(8 + n + (long)v["data_offsets"]![0]!), e = (int)(8 + n + (long)v["data_offsets"]![1]!);
            ScalarType t = (string)v["dtype"]! switch { "F32" => ScalarType.Float32, "F16" => ScalarType.Float16, "BF16" => ScalarType.BFloat16, "I64" => ScalarType.Int64, "U8" => ScalarType.Byte, _ => throw new NotSupportedException() };
            Tensor x = empty(shape, t).DetachFromDisposeScope();
            b.AsSpan(s, e - s).CopyTo(x.bytes);
            r[name] = x;
        }
        return r;
    }

    public static BaseModel Load(string folder, BasePrecision precision)
    {
        var c = ModelConfig.Load(folder);
        var t = Read(Path.Combine(folder, "model.safetensors"));
        ScalarType d = precision.Dtype == ComputeDtype.Fp32 ? ScalarType.Float32 : ScalarType.BFloat16;
        Tensor G(string n) => t[n].to_type(d).DetachFromDisposeScope();
        var shapes = c.Linears.ToArray();
        LinearWeight L(LoraShape s)
        {
            var parts = s.S.Parts.Select(p => G(p.Module + ".weight")).ToArray();
            var bias = t.ContainsKey(s.S.Parts[0].Module + ".bias") ? cat([.. s.S.Parts.Select(p => G(p.Module + ".bias"))], 0) : null;
            return new DenseWeight(cat(parts, 0)) { Parts = [.. s.S.Parts.Select(p => new LinearPart(p.Module, p.Offset, p.Out))], In = s.S.In, Out = s.S.Parts.Sum(p => p.Out), Bias = bias };
        }
        Tensor embed = G("model.embed_tokens.weight");
        bool tied = !t.ContainsKey("lm_head.weight");
        var w = new DecoderWeights
        {
            EmbedTokens = embed, FinalNorm = G("model.norm.weight"),
            Layers = [.. Enumerable.Range(0, c.Layers).Select(i => new LayerWeights {
                InputNorm = G($"model.layers.{i}.input_layernorm.weight"), PostAttentionNorm = G($"model.layers.{i}.post_attention_layernorm.weight"),
                Qkv = L(new(shapes[4 * i])), O = L(new(shapes[4 * i + 1])), GateUp = L(new(shapes[4 * i + 2])), Down = L(new(shapes[4 * i + 3])) })],
            Head = new DenseWeight(tied ? embed : G("lm_head.weight")) { Parts = [new LinearPart("lm_head", 0, c.VocabularySize)], In = c.HiddenSize, Out = c.VocabularySize },
        };
        return new BaseModel { Config = c, Precision = precision, Weights = w };
    }

    private record LoraShape(LinearShape S);
}
