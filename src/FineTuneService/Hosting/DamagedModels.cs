using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Hosting;

/// <summary>
/// A model's or adapter's folder that was whole when it was taken, and no longer is. Requests that bring a folder refuse it themselves;
/// what reaches here is on the service's own disk, and not the client's fault.
/// </summary>
internal static class DamagedModels
{
    /// <summary>The answer to a failure of this kind, or null.</summary>
    public static IResult? Answer(Exception failure) => failure switch
    {
        AdapterException => Errors.Make(503, $"The adapter's files on the service's disk cannot be used: {failure.Message} Its operator must restore them.", "model_damaged", "model"),
        ModelException or TensorFileException or TokenizerException or ChatTemplateException =>
            Errors.Make(503, $"The model's files on the service's disk cannot be used: {failure.Message} Its operator must restore them.", "model_damaged", "model"),
        _ => null,
    };
}
