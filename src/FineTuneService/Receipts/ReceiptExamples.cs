using System.Text.Json;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;

namespace FineTuneService.Receipts;

/// <summary>Swagger UI's examples of receipts.</summary>
internal static class ReceiptExamples
{
    private const string Hash = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

    public static readonly Receipt Receipt = new(
        Receipts.Receipt.Kind, 1, JobExamples.Succeeded.Id, "talers-2m", 1764000300, new ReceiptAdapter(new Dictionary<string, string> { ["adapter_config.json"] = Hash, ["adapter_model.safetensors"] = Hash }),
        new ReceiptBase("talers-2m", Hash), new ReceiptData(Hash), new ReceiptCode("1.0.0+4d91852"), new ReceiptMachine("x64", "avx512"),
        JsonSerializer.SerializeToElement(JobExamples.Succeeded.Settings, Json.Options), 7, 240, new ReceiptSignature(ReceiptSignature.Ecdsa, "MFkwEwYHKoZIzj0CAQ…", "qk8vXc…"));

    public static readonly ReproduceRequest Reproduce = new(TrainingFile: JobExamples.Succeeded.TrainingFile);
    public static readonly ReproductionBody Reproduced = new("fine_tuning.job.reproduction", true, [], JobExamples.Created.Id);
}
