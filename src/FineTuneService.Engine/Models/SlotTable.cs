using System.Globalization;
using FineTuneService.Engine.Weights;

namespace FineTuneService.Engine.Models;

/// <summary>The tensors that a model's traits ask for, by its family's names.</summary>
internal static class SlotTable
{
    public static ModelSlots Of(ModelConfig config)
    {
        Names names = config.Names;
        int hidden = config.HiddenSize, width = config.EmbeddingWidth == 0 ? hidden : config.EmbeddingWidth;
        return new ModelSlots
        {
            ModelType = config.Family.ModelType,
            Embedding = new Slot(names.Embedding + ".weight", SlotKind.Embedding, [config.VocabularySize, width]),
            Positions = config.PositionOffset is { } offset
                ? new Slot(names.Positions + ".weight", SlotKind.Embedding, [config.MaxPositions + offset, hidden]) : null,
            ProjectIn = width == hidden ? null : LinearSlot.Of(width, (names.ProjectIn!, hidden)),
            ProjectOut = width == hidden ? null : LinearSlot.Of(hidden, (names.ProjectOut!, width)),
            Layers = [.. Enumerable.Range(0, config.Layers).Select(i => Layer(config, i))],
            FinalNorm = names.FinalNorm is null ? null : new NormSlot([names.FinalNorm], [hidden], config.NormBias),
            Head = LinearSlot.Of(width, (names.Head, config.VocabularySize)) with { Bias = config.HeadBias, StaysDense = true, IsHead = true },
            HeadIsTied = config.TieWordEmbeddings,
        };
    }

    private static LayerSlots Layer(ModelConfig config, int i)
    {
        Names names = config.Names;
        string layer = string.Format(CultureInfo.InvariantCulture, names.Layer, i);
        int q = config.Heads * config.HeadDim, kv = config.KeyValueHeads * config.HeadDim, hidden = config.HiddenSize;
        bool experts = config.Layer(i).Experts;
        int[] qkv = names.Qkv.Length == 1 ? [q + 2 * kv] : [q, kv, kv];
        return new LayerSlots
        {
            BeforeAttention = Norm(names.BeforeAttention),
            AfterAttention = Norm(names.AfterAttention),
            BeforeMlp = Norm(names.BeforeMlp),
            AfterMlp = Norm(names.AfterMlp),
            QueryNorm = config.QueryKeyNorm is null ? null : HeadNorm(layer + names.QueryNorm, config.Heads, config),
            KeyNorm = config.QueryKeyNorm is null ? null : HeadNorm(layer + names.KeyNorm, config.KeyValueHeads, config),
            Qkv = Linear(hidden, config.AttentionBias, names.Qkv.Zip(qkv)),
            O = Linear(q, config.OutputBias ?? config.AttentionBias, [(names.O, hidden)]),
            Up = experts ? null : Linear(hidden, config.MlpBias, Up(config, names.Up, config.IntermediateSize)),
            Down = experts ? null : Linear(config.IntermediateSize, config.MlpBias, [(names.Down, hidden)]),
            Experts = experts ? Experts(config, layer) : null,
        };

        NormSlot? Norm(string? name) => name is null ? null : new NormSlot([layer + name], [hidden], config.NormBias);
        LinearSlot Linear(int inputs, bool bias, IEnumerable<(string Name, int Out)> parts) =>
            LinearSlot.Of(inputs, parts.Select(part => (layer + part.Name, part.Out))) with { Bias = bias, Transposed = config.TransposedLinears };
    }

    private static IEnumerable<(string, int)> Up(ModelConfig config, string[] names, int width) =>
        names.Length == 2 || !config.GatedMlp ? names.Select(name => (name, width)) : [(names[0], 2 * width)];

    private static NormSlot HeadNorm(string name, int heads, ModelConfig config) => config.HeadNorms switch
    {
        HeadNorms.Shared => new NormSlot([name], [config.HeadDim], Bias: false),
        HeadNorms.Together => new NormSlot([name], [(long)heads * config.HeadDim], Bias: false),
        _ when name.Contains("{0}", StringComparison.Ordinal) => new NormSlot(
            [.. Enumerable.Range(0, heads).Select(head => string.Format(CultureInfo.InvariantCulture, name, head))], [heads, config.HeadDim], Bias: false),
        _ => new NormSlot([name], [heads, config.HeadDim], Bias: false),
    };

    private static ExpertSlots Experts(ModelConfig config, string layer)
    {
        ExpertTraits experts = config.Experts!;
        LinearSlot router = LinearSlot.Of(config.HiddenSize, (layer + config.Names.Router, experts.Count)) with { StaysDense = true };
        return new ExpertSlots(router, [.. Enumerable.Range(0, experts.Count).Select(i =>
        {
            string[] names = [.. config.Names.Expert.Select(name => layer + string.Format(CultureInfo.InvariantCulture, name, i))];
            return (LinearSlot.Of(config.HiddenSize, (names[0], experts.Width), (names[1], experts.Width)), LinearSlot.Of(experts.Width, (names[2], config.HiddenSize)));
        })])
        { Module = layer + "mlp.experts" };
    }
}
