namespace FineTuneService.Receipts;

/// <summary>`./dev verify FOLDER [--key receipt-key.pub.pem] [--base FOLDER] [--training-file FILE]`: a receipt, checked without the service.</summary>
internal static class VerifyCommand
{
    public const string Name = "verify";
    private const string Usage = "usage: ./dev verify FOLDER [--key receipt-key.pub.pem] [--base FOLDER] [--training-file FILE] [--validation-file FILE]";

    /// <returns>0 where all fits, 1 where something does not, 2 where it was asked wrongly.</returns>
    public static int Run(string[] args)
    {
        if (args.Length % 2 != 1 || !Directory.Exists(args[0])) return Say(2, args.Length == 0 ? Usage : $"{args[0]} is no folder, or an option lacks its value. {Usage}");
        (Receipt? receipt, IReadOnlyList<string> faults) = ReceiptCheck.Folder(args[0]);
        var all = new List<string>(faults);
        for (int i = 1; i < args.Length && receipt is not null; i += 2)
        {
            if (!File.Exists(args[i + 1]) && !Directory.Exists(args[i + 1])) return Say(2, $"{args[i + 1]} does not exist. {Usage}");
            string? fault = args[i] switch
            {
                "--key" => ReceiptCheck.Key(receipt, File.ReadAllText(args[i + 1])),
                "--base" => ReceiptBytes.OfModel(args[i + 1]) == receipt.Base.Sha256 ? null : "the base is not the one that it was trained on",
                "--training-file" => ReceiptBytes.OfFile(args[i + 1]) == receipt.Data.TrainingFile ? null : "the training file is not the one that it was trained on",
                "--validation-file" => ReceiptBytes.OfFile(args[i + 1]) == receipt.Data.ValidationFile ? null : "the validation file is not the one that it was trained with",
                _ => "",
            };
            if (fault is "") return Say(2, $"There is no option {args[i]}. {Usage}");
            if (fault is not null) all.Add(fault);
        }
        foreach (string fault in all) Console.Out.WriteLine($"does not hold: {fault}");
        if (all.Count == 0)
            Console.Out.WriteLine($"holds: {receipt!.Adapter.Files.Count} files of job {receipt.Job} on {receipt.Base.Model}, {receipt.Steps} steps with seed {receipt.Seed}, by {receipt.Code.Version}, key {receipt.Signature!.PublicKey[^16..]}");
        return all.Count == 0 ? 0 : 1;
    }

    private static int Say(int code, string sentence)
    {
        Console.Error.WriteLine(sentence);
        return code;
    }
}
