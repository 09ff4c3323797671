using FineTuneService.Engine.Training.Methods;
using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>What a job's body says of preference training: OpenAI's method.dpo, and TRL's names beside it.</summary>
internal static class JobPreference
{
    public static DpoConfig Of(CreateJobRequest body)
    {
        var usual = new DpoConfig();
        return new DpoConfig
        {
            Beta = body.Dpo?.Beta ?? body.Method?.Dpo?.Hyperparameters?.Beta?.Number ?? usual.Beta,
            Loss = body.Dpo?.LossType ?? usual.Loss,
            LabelSmoothing = body.Dpo?.LabelSmoothing ?? usual.LabelSmoothing,
            Divergence = body.Dpo?.FDivergenceType ?? usual.Divergence,
            Gamma = body.Dpo?.SimpoGamma ?? usual.Gamma,
        };
    }

    public static JobBodyProblem? Problem(CreateJobRequest body)
    {
        bool isDpo = body.Method?.Type == "dpo";
        if (body.Method?.Supervised is not null && isDpo) return new("method.supervised", "the method is dpo; give its hyperparameters in method.dpo");
        if (body.Method?.Dpo is not null && !isDpo) return new("method.dpo", "the method is supervised; give its hyperparameters in method.supervised");
        if (!isDpo) return body.Dpo is null ? null : new("dpo", "dpo is for jobs with method {\"type\": \"dpo\"}");
        if (body.Training?.Packing == true) return new("training.packing", "pairs are not packed; leave packing out");
        if (body.Training?.TrainOn is not null) return new("training.train_on", "dpo compares whole answers; leave train_on out");
        if (body.Dataset?.TestFile is not null) return new("dataset.test_file", "test_file scores what supervised jobs learn; with dpo, give a validation_file");
        if (body.Dataset?.PromptTemplate is not null) return new("dataset.prompt_template", "a prompt template makes rows of one answer; with dpo, name the columns of prompt, chosen and rejected");
        if (body.Dpo?.Beta is not null && body.Method!.Dpo?.Hyperparameters?.Beta?.Number is not null) return new("dpo.beta", "beta is given twice; give it in dpo only");
        DpoConfig config = Of(body);
        if (config.Beta is <= 0 or > 100) return new(body.Dpo?.Beta is null ? "method.dpo.hyperparameters.beta" : "dpo.beta", "beta must be above 0 and at most 100; 0.1 is usual");
        if (config.LabelSmoothing is < 0 or >= 0.5) return new("dpo.label_smoothing", "label_smoothing must be at least 0 and below 0.5");
        if (body.Dpo?.SimpoGamma is not null && config.Loss != "simpo") return new("dpo.simpo_gamma", "simpo_gamma is simpo's; give loss_type simpo, or leave it out");
        return config.Loss == "kto" || PreferenceLosses.Names.Contains(config.Loss)
            ? Combination(config, body) : new("dpo.loss_type", $"there is no loss_type '{Errors.Clip(config.Loss)}'; use {string.Join(", ", PreferenceLosses.Names)}");
    }

    /// <summary>What the Engine says of a loss and its options.</summary>
    private static JobBodyProblem? Combination(DpoConfig config, CreateJobRequest body)
    {
        try
        {
            PreferenceLosses.Require(config);
            return null;
        }
        catch (ArgumentException refused)
        {
            string param = config.Loss == "kto" ? "loss_type" : body.Dpo?.SimpoGamma is not null ? "simpo_gamma"
                : body.Dpo?.FDivergenceType is not null ? "f_divergence_type" : "label_smoothing";
            return new("dpo." + param, Errors.Clip(refused.Message));
        }
    }
}
