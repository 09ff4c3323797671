using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Quantization;
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
        if (config.Lora is null && (model.Precision.Quantization != QuantizationType.None || model.Precision.Dtype == ComputeDtype.Fp16))
            throw new ArgumentException("full-parameter training needs a base in fp32 or bf16 that is not quantised");
        if (config.AllBf16 && (config.Lora is null || model.Precision.Dtype != ComputeDtype.Bf16))
            throw new ArgumentException("all-bf16 training needs an adapter on a bf16 base");
        if (config.Lora is { Dropout: < 0 or >= 1 }) throw new ArgumentException($"dropout {config.Lora.Dropout} is not in 0…1");
        if (config.Dpo is { } dpo) PreferenceLosses.Require(dpo);
        if (config is { Dpo: not null, Lora: null }) throw new ArgumentException("DPO needs an adapter: its reference is the base without it");
        if (config.NeftuneAlpha is <= 0) throw new ArgumentException($"NEFTune's alpha {config.NeftuneAlpha} is not above 0");
        var method = TrainingMethod.Of(config);
        method.Require(train, "training");
        method.Require(validation ?? [], "validation");
        RowChecks.RequireRows(train, model.Config.VocabularySize, "training");
        RowChecks.RequireRows(validation ?? [], model.Config.VocabularySize, "validation");
        if (train.All(row => LossTargets.CountOf(row.Labels) == 0)) throw new ArgumentException("no training row has a label to train on");
    }
}
