import Base
import GatewayService
import TestSupport
import Testing

@Suite("The web UI's own tests", .temporaryDirectory, .timeLimit(.minutes(5)))
struct PageTests {
    @Test("pass in Chromium, served by nginx under the site's content-security policy")
    func inPage() async throws {
        let gone = "\(TemporaryDirectory.path)/none.sock"
        try await TestNginx.run { settings in
            try NginxSite(
                listen: settings.listen,
                publicDirectory: "\(TestNginx.projectDirectory)/public",
                apiSocket: gone,
                streamSocket: gone,
                includesTests: true,
                user: settings.user
            )
            .files()
        } _: { nginx in
            try await WebDriver.with { browser in
                try await browser.open("\(nginx.url)/tests/index.html")
                try await browser.wait(until: "document.querySelector('#report')?.textContent.includes(' tests, ')")
                let report = try await browser.run("return document.querySelector('#report').textContent")
                #expect(
                    try await browser.run("return document.querySelector('#report').dataset.failed") == "0",
                    "\(report)"
                )
                #expect(report.split(separator: "\n").count > 50, "\(report)")
            }
        }
    }
}
