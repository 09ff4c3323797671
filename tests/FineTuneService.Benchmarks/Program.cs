using FineTuneService.Benchmarks;
using FineTuneService.Benchmarks.Decoding;
using FineTuneService.Benchmarks.Fuzz;
using FineTuneService.Benchmarks.Loading;
using FineTuneService.Benchmarks.Mixed;
using FineTuneService.Benchmarks.P1;
using FineTuneService.Benchmarks.P9;
using FineTuneService.Benchmarks.Products;
using FineTuneService.Benchmarks.Rows;
using FineTuneService.Benchmarks.Schemas;
using FineTuneService.Benchmarks.Soak;
using FineTuneService.Benchmarks.Torture;
using FineTuneService.Engine.Models;

return args switch
{
    ["P1", .. var options] when DtypeOption.TryRead(options, out ComputeDtype dtype) => Comparison.Run(dtype),
    ["P9", .. var options] when DtypeOption.TryRead(options, out ComputeDtype dtype) => ChatDuringTraining.Run(dtype),
    ["products"] => ProductSpeeds.Run(),
    ["load"] => LoadSpeeds.Run(),
    ["rows"] => RowMemory.Run(),
    ["rows", var count] => RowMemory.Measure(int.Parse(count, System.Globalization.CultureInfo.InvariantCulture)),
    ["schema"] => SchemaSpeeds.Run(),
    ["decode"] => DecodeSpeeds.Run(),
    ["soak"] => SoakRun.Run(minutes: 10).GetAwaiter().GetResult(),
    ["soak", "--minutes", var minutes] => SoakRun.Run(double.Parse(minutes, System.Globalization.CultureInfo.InvariantCulture)).GetAwaiter().GetResult(),
    ["torture", .. var options] when RunOptions.TryRead(options, out RunOptions? given) => await TortureRun.Run(given.Seed, given.Kills, given.Minutes ?? 60),
    ["mixed", .. var options] when RunOptions.TryRead(options, out RunOptions? given) => await MixedRun.Run(given.Tenants, given.Minutes ?? 5, given.Seed),
    ["fuzz", .. var options] when RunOptions.TryRead(options, out RunOptions? given) => await FuzzRun.Run(given.Seed, given.Count, given.Only),
    [VariantProcess.Marker, var variant, var name] when DtypeOption.TryParse(name, out ComputeDtype dtype) => VariantProcess.Serve(variant, dtype),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: ./dev bench P1 [--dtype fp32|bf16] | P9 [--dtype fp32|bf16] | products | load | rows | schema | decode | soak [--minutes N] | torture [--minutes N] [--kills N] [--seed N] | mixed [--tenants N] [--minutes N] [--seed N] | fuzz [--count N] [--seed N] [--only KIND[:NUMBER]]");
    return 2;
}
