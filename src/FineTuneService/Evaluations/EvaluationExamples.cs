using FineTuneService.Models;

namespace FineTuneService.Evaluations;

/// <summary>Swagger UI's examples of evaluations.</summary>
internal static class EvaluationExamples
{
    private const string File = "file-4m6n8b0v2c1x3z5l7k9j1h3g";

    public static readonly EvaluateRequest Request = new() { Models = ["talers-2m", ModelExamples.Tuned], File = File };

    public static readonly EvaluationBody Answer = new(
        "eval_2w4e6r8t0y1u3i5o7p9a1s3d", "evaluation", 1764000800, File, 120,
        [
            new ModelResult("talers-2m", 4.340, 76.71, 0.402, 4213),
            new ModelResult(ModelExamples.Tuned, 0.0056, 1.0056, 0.999, 4213),
        ],
        []);
}
