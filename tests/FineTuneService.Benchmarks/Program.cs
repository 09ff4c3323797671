using FineTuneService.Benchmarks.P1;
using FineTuneService.Benchmarks.P9;
using FineTuneService.Benchmarks.Soak;

return args switch
{
    ["P1"] => Comparison.Run(),
    ["P9"] => ChatDuringTraining.Run(),
    ["soak"] => SoakRun.Run(minutes: 10).GetAwaiter().GetResult(),
    ["soak", "--minutes", var minutes] => SoakRun.Run(double.Parse(minutes, System.Globalization.CultureInfo.InvariantCulture)).GetAwaiter().GetResult(),
    [VariantProcess.Marker, var variant] => VariantProcess.Serve(variant),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: ./dev bench P1 | P9 | soak [--minutes N]");
    return 2;
}
