using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Training.Methods;
using FineTuneService.Engine.Training.Optimizers;

namespace FineTuneService.Engine.Training;

/// <summary>Refuses, before anything is allocated, what a run cannot do.</summary>
internal static class TrainingValidation
{
    /// <exception cref="ArgumentException">The message says what cannot be trained, and why.</exception>
    public static void Require(BaseModel model, TrainingConfig config, IReadOnlyList<TrainingRow> train, IReadOnlyList<TrainingRow>? validation)
    {
        if (train.Count == 0) throw new ArgumentException("there is no training row");
        if (config.MicroBatchSize < 1) throw new ArgumentException($"micro batch size {config.MicroBatchSize} is below 1");
        if (config.GradientAccumulationSteps < 1)
            throw new ArgumentException($"gradient accumulation steps {config.GradientAccumulationSteps} are below 1");
        OptimizerTable.Require(config.Optimizer);
        if ((config.EarlyStopping is not null || config.KeepBest) && validation is not { Count: > 0 })
            throw new ArgumentException("early stopping, and keeping the best, need validation rows; give a validation file or a validation split");
        if (config.EarlyStopping is { Patience: < 1 }) throw new ArgumentException($"early stopping's patience {config.EarlyStopping.Patience} is below 1");
        if (config.Lora is null && model.Precision.Quantization != QuantizationType.None)
            throw new ArgumentException("full-parameter training needs a base that is not quantised");
        if (config.AllBf16 && (config.Lora is null || model.Precision.Dtype != ComputeDtype.Bf16))
            throw new ArgumentException("all-bf16 training needs an adapter on a bf16 base");
        if (config.Lora is { Dropout: < 0 or >= 1 }) throw new ArgumentException($"dropout {config.Lora.Dropout} is not in 0…1");
        if (config.Dpo is { } dpo) PreferenceLosses.Require(dpo);
        if (config is { Dpo: not null, Lora: null }) throw new ArgumentException("DPO needs an adapter: its reference is the base without it");
        if (config.NeftuneAlpha is <= 0) throw new ArgumentException($"NEFTune's alpha {config.NeftuneAlpha} is not above 0");
        var method = TrainingMethod.Of(config);
        method.Require(train, "training");
        method.Require(validation ?? [], "validation");
        RequireRows(train, model.Config.VocabularySize, "training");
        RequireRows(validation ?? [], model.Config.VocabularySize, "validation");
        if (train.All(row => LossTargets.CountOf(row.Labels) == 0)) throw new ArgumentException("no training row has a label to train on");
    }

    /// <summary>An id outside the vocabulary would be read from beyond the embedding's end.</summary>
    /// <param name="what">The rows' name in the message.</param>
    /// <exception cref="ArgumentException">The message says which row and why.</exception>
    public static void RequireRows(IReadOnlyList<TrainingRow> rows, int vocabulary, string what)
    {
        foreach (IReadOnlyList<TrainingRow> answers in new[] { rows, [.. rows.Select(row => row.Rejected).OfType<TrainingRow>()] }) RequireIds(answers, vocabulary, what);
    }

    private static void RequireIds(IReadOnlyList<TrainingRow> rows, int vocabulary, string what)
    {
        for (int i = 0; i < rows.Count; i++)
        {
            if (rows[i].Weights is { } weights && (weights.Length != rows[i].Labels.Length || weights.Any(weight => !(weight >= 0 && float.IsFinite(weight)))))
                throw new ArgumentException($"{what} row {i} has not one weight of 0 or more for each label");
            if (rows[i].Ids.Length == 0) throw new ArgumentException($"{what} row {i} is empty");
            if (rows[i].Ids.Length != rows[i].Labels.Length) throw new ArgumentException($"{what} row {i} has not one label for each id");
            foreach (int id in rows[i].Ids)
            {
                if (id < 0 || id >= vocabulary) throw new ArgumentException($"{what} row {i} has id {id}, outside the vocabulary of {vocabulary}");
            }
        }
    }
}
