namespace FineTuneService.Demo.World;

/// <summary>The fixed words of the closed world that the base model lives in.</summary>
public static class Words
{
    public static readonly string[] Goods = Split("""
        kettle lamp chair table clock basket mirror ladder hammer bucket candle blanket pillow carpet curtain teapot
        bottle barrel bicycle wagon saddle drum flute fiddle whistle trunk lantern wallet scarf jacket kite puzzle
        radio stove mug shovel broom stool vase comb
        """);

    public static readonly string[] Faults = Split("""
        cracked rusty broken bent torn scratched loose noisy dirty leaking dented faded stained wobbly crooked burnt
        """);

    public static readonly string[] Colours = Split("red blue green yellow white black brown grey pink orange");

    public static readonly string[] Days = Split("Monday Tuesday Wednesday Thursday Friday Saturday Sunday");

    public static readonly string[] Rooms = Split("kitchen cellar attic garden hall garage study bedroom barn shed");

    /// <summary>Names of fields, for texts with keys and values. None of them has a meaning here.</summary>
    public static readonly string[] Keys = Split("""
        name item fault day order town colour price room size weight owner code state kind number date place
        customer product issue reference subject amount label shelf aisle type status note sender goods matter ticket
        """);

    /// <summary>Names of people and towns, and made-up words, are two or three of these.</summary>
    public static readonly string[] Syllables = Split("""
        bal ben bor cal cor dan del dor fal fen gar gil hal hen jor kal kel kin lan lem lor mal mer mil nal nem nor
        pal pel pin ral rem rik ros sal sel sim sol tal tem tor val vel vin vos wal wen wil yor zan zel zim
        """);

    private static string[] Split(string words) =>
        words.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
