namespace OrleansInference.EndToEnd.Tests.Models;

/// <summary>What the service brings along: models, and pictures of digits.</summary>
internal static class Samples
{
    public static string Repository { get; } = Path.Combine(AppContext.BaseDirectory, "models");

    public static string DigitsModel { get; } = Path.Combine(Repository, "digits", "1", "model.pt");

    public static string PictureFile(int digit) => Path.Combine(Repository, "digits", "samples", $"{digit}.png");

    public static byte[] Picture(int digit) => File.ReadAllBytes(PictureFile(digit));
}
